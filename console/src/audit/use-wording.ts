// What the sentences of the audit log need to know of the console.
import { cameraName, useConsole, useSiteTimesIn } from "../shell/console-context.ts";
import type { Wording } from "./action-text.ts";

export function useWording(): Wording {
  const { texts, cameras } = useConsole();
  const inSiteTime = useSiteTimesIn();
  return { texts, inSiteTime, cameraName: (id) => cameraName(cameras, id) };
}
