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

export const quickSearchInChinese: typeof quickSearchInEnglish = {
  place: "地点",
  placePlaceholder: "摄像机或区域，例如：桥",
  noPlace: "没有此名称的摄像机或区域。",
  around: (name, metres) => `${name} 周边 ${metres} 米`,
  inArea: (name) => `${name} 范围内`,
  circle: "地图圆形范围内",
  polygon: "地图多边形范围内",
  remove: (choice) => `移除：${choice}`,
  seen: "近期出现",
  resultsOverTime: "检索结果的时间分布，每台摄像机一行",
  otherCameras: "其他摄像机",
  leftOut: (count) => `另有 ${count} 条较早的结果未在此显示`,
};
