// The texts of maps.
import type { mapInEnglish } from "../en/map.ts";

export const mapInChinese: typeof mapInEnglish = {
  results: "查找结果的地点分布",
  cameras: "摄像机分布，颜色表示状态",
  keys: "方向键移动地图，+ 与 − 缩放，Home 键显示全部。",
  enlarge: "放大地图",
  reduce: "缩小地图",
  fit: "显示全部",
  draw: { circle: "圆形", polygon: "多边形" },
  drawingHints: {
    circle: "从圆心拖动到边缘。",
    polygon: "依次点击各顶点，最后按回车键或双击结束。",
  },
  searchVisible: "查找可见范围",
  clearShape: "取消范围",
  tilesFailed: "部分底图未能加载。",
};
