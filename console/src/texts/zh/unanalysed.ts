// The texts about times that were not analysed completely.
import type { unanalysedInEnglish } from "../en/unanalysed.ts";

export const unanalysedInChinese: typeof unanalysedInEnglish = {
  summary: (cameras, minutes) => `可能有遗漏：${cameras} 台摄像机未完全分析，共 ${minutes} 分钟`,
  meaning: "在这些时段经过的目标可能没有记录。",
  minutes: (minutes) => `${minutes} 分钟`,
  range: (from, to, cause) => `${from} 至 ${to}，${cause}`,
  more: "另有更短的时段",
  partly: (cause) => `未完全分析：${cause}`,
  shown: (count) => `所示时段内未完全分析的时段（${count}）`,
  now: "当前未完全分析的卡口",
  causes: {
    overload: "过载",
    decoder: "画面无法解码",
    camera_down: "摄像机故障",
    restart: "未运行",
    unknown: "原因不明",
    standing_vehicle: "有车辆停留遮挡",
    settled: "过载，画面中车牌均已识读",
    analysis_stopped: "分析中断",
  },
};
