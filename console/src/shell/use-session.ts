// The session of the person: it is restored, started and ended here.
import { useCallback, useEffect, useState } from "preact/hooks";
import { api, listenForSignOut, result, type Schemas } from "../api/client.ts";
import {
  adoptSession,
  adoptToken,
  forgetCredentials,
  restoreCredentials,
  usesToken,
} from "../api/credentials.ts";
import { ApiProblem, type Failure, failureOf } from "../api/problem.ts";
import { forgetAddress, restoreAddress } from "./kept-address.ts";

type SessionView = Schemas["SessionView"];

export type SessionState =
  | { phase: "starting" }
  | { phase: "failed"; failure: Failure }
  | { phase: "signed_out"; site: Schemas["SiteView"]; notice: "" | "ended" | "wrongToken" }
  | { phase: "signed_in"; site: Schemas["SiteView"]; session: SessionView };

export interface SessionControl {
  state: SessionState;
  restart: () => void;
  signedIn: (session: SessionView) => void;
  signOut: () => Promise<void>;
}

export function useSession(): SessionControl {
  const [state, setState] = useState<SessionState>({ phase: "starting" });

  const restart = useCallback(() => {
    setState({ phase: "starting" });
    void start().then(setState);
  }, []);

  useEffect(() => {
    restoreAddress();
    restoreCredentials();
    restart();
    // A page that the browser shows again as it was: the person came back without a sign-in.
    const onShown = ({ persisted }: PageTransitionEvent) => persisted && forgetAddress();
    window.addEventListener("pageshow", onShown);
    listenForSignOut(() => {
      forgetCredentials();
      setState((now) =>
        now.phase === "signed_in" ? { phase: "signed_out", site: now.site, notice: "ended" } : now,
      );
    });
    return () => window.removeEventListener("pageshow", onShown);
  }, [restart]);

  const signedIn = useCallback((session: SessionView) => {
    forgetAddress();
    setState((now) =>
      now.phase === "signed_out" || now.phase === "signed_in"
        ? { phase: "signed_in", site: now.site, session }
        : now,
    );
  }, []);

  const signOut = useCallback(async () => {
    const next = state.phase === "signed_in" ? await end(state.session) : null;
    forgetCredentials();
    forgetAddress();
    if (next !== null) location.assign(next);
    else if ("site" in state) setState({ phase: "signed_out", site: state.site, notice: "" });
  }, [state]);

  return { state, restart, signedIn, signOut };
}

async function start(): Promise<SessionState> {
  // The refusal of a token forgets it.
  const hadToken = usesToken();
  try {
    const site = await result(api.GET("/v1/site"));
    try {
      const session = await result(api.GET("/v1/session"));
      adoptSession(session);
      return { phase: "signed_in", site, session };
    } catch (error) {
      if (!(error instanceof ApiProblem && error.status === 401)) throw error;
      const notice = hadToken ? "wrongToken" : "";
      forgetCredentials();
      return { phase: "signed_out", site, notice };
    }
  } catch (error) {
    return { phase: "failed", failure: failureOf(error) };
  }
}

/** End the session at the server. Return the address that ends it at the provider too, or null. */
async function end(session: SessionView): Promise<string | null> {
  if (session.session === null) return null;
  try {
    if (session.session.method !== "openid") {
      await result(api.DELETE("/v1/session"));
      return null;
    }
    return (await result(api.DELETE("/v1/session/openid"))).provider_logout;
  } catch (error) {
    // A session that has ended already needs no end.
    if (error instanceof ApiProblem && error.status === 401) return null;
    throw error;
  }
}

/** `sightline up` prints an address with a token; it does not stay in the history. */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  adoptToken(token);
  history.replaceState(null, "", location.pathname);
}
