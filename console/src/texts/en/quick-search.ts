// The texts of choices by one click: times, colours, and a place with what is around it.

export const quickSearchInEnglish = {
  place: "Place",
  placePlaceholder: "A camera or an area, such as bridge",
  noPlace: "No camera and no area has this name.",
  around: (name: string, metres: number) => `${metres} m around ${name}`,
  inArea: (name: string) => `in ${name}`,
  circle: "in the circle on the map",
  polygon: "in the polygon on the map",
  remove: (choice: string) => `Remove: ${choice}`,
  seen: "Seen lately",
  resultsOverTime: "The results over time, a row for each camera",
  otherCameras: "other cameras",
  leftOut: (count: number) => `${count} older results are not shown here`,
};
