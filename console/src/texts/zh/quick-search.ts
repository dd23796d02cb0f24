// The texts of choices by one click: times, colours, and a place with what is around it.
import type { quickSearchInEnglish } from "../en/quick-search.ts";

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
  resultsOverTime: "查找结果的时间分布，每台摄像机一行",
  otherCameras: "其他摄像机",
  leftOut: (count) => `另有 ${count} 条较早的结果未在此显示`,
};
