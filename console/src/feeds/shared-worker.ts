// Starts the shared worker of the feeds, as far as this browser has shared workers.
import address from "./feed-worker.ts?worker&url";

interface ScriptPolicy {
  createScriptURL: (url: string) => string;
}
interface PolicyFactory {
  createPolicy: (name: string, rules: ScriptPolicy) => ScriptPolicy;
}

/** The only policy of Trusted Types that the content security policy allows. */
const POLICY = "sightline-worker";

/** Return the worker; null if the browser has none. */
export function startSharedWorker(): SharedWorker | null {
  if (!("SharedWorker" in window)) return null;
  return new SharedWorker(trusted(), { type: "module", name: "feeds" });
}

/** Return the address of the worker as a value that Trusted Types accept; a text without them. */
function trusted(): string {
  const factory: PolicyFactory | undefined = Reflect.get(window, "trustedTypes");
  // The rule ignores what it is given, so that this policy never allows another script.
  const rules = { createScriptURL: () => address };
  return factory === undefined
    ? address
    : factory.createPolicy(POLICY, rules).createScriptURL(address);
}
