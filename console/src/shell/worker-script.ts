// The addresses of the workers of the console, as values that Trusted Types accept.
import feeds from "../feeds/feed-worker.ts?worker&url";
import ground from "../map/vector/ground-worker.ts?worker&url";

interface ScriptPolicy {
  createScriptURL: (url: string) => string;
}
interface PolicyFactory {
  createPolicy: (name: string, rules: ScriptPolicy) => ScriptPolicy;
}

/** The only policy of Trusted Types that the content security policy allows, and only once. */
const POLICY = "sightline-worker";
const ADDRESSES = { feeds, ground } as const;
export type WorkerName = keyof typeof ADDRESSES;

let policy: ScriptPolicy | undefined;

/** Return the address of a worker. */
export function workerScript(name: WorkerName): string {
  const factory: PolicyFactory | undefined = Reflect.get(window, "trustedTypes");
  if (factory === undefined) return addressOf(name);
  policy ??= factory.createPolicy(POLICY, { createScriptURL: addressOf });
  return policy.createScriptURL(name);
}

/** Return one of the addresses above, so that the policy never allows another script. */
function addressOf(name: string): string {
  const address = Object.entries(ADDRESSES).find(([known]) => known === name)?.[1];
  if (address === undefined) throw new TypeError(`the console has no worker ${name}`);
  return address;
}
