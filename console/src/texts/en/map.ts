// The texts of maps.

export const mapInEnglish = {
  results: "The results by place",
  cameras: "The cameras by place, in the colours of their states",
  keys: "Arrow keys move the map, + and − change its size, Home shows everything.",
  enlarge: "Enlarge the map",
  reduce: "Reduce the map",
  fit: "Show all",
  draw: { circle: "Circle", polygon: "Polygon" },
  drawingHints: {
    circle: "Drag from the middle of the circle to its edge.",
    polygon: "Click on each corner, and press Enter or click twice at the last one.",
  },
  searchVisible: "Search what is visible",
  clearShape: "Search everywhere",
  tilesFailed: "A part of the base map could not be loaded.",
};
