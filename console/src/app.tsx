// The console: it signs the person in, asks for the reason of the task, and shows one page.
import { useCallback, useState } from "preact/hooks";
import type { Schemas } from "./api/client.ts";
import { type Purpose, tokenPurpose } from "./api/credentials.ts";
import { ApiProblem } from "./api/problem.ts";
import { AuditPage } from "./audit/audit-page.tsx";
import { CamerasPage } from "./cameras/cameras-page.tsx";
import { type Cameras, useCameras } from "./cameras/use-cameras.ts";
import { FindPage } from "./find/find-page.tsx";
import { JourneysPage } from "./journeys/journeys-page.tsx";
import { LivePage } from "./live/live-page.tsx";
import { PeoplePage } from "./people/people-page.tsx";
import { Alarms } from "./shell/alarms.tsx";
import { Console, type ConsoleContext, hasRight } from "./shell/console-context.ts";
import { type Preferences, usePreferences } from "./shell/preferences.ts";
import { bindPurpose, NO_PURPOSE, ReasonBar, ReasonForm } from "./shell/reason-bar.tsx";
import { type Place, type Route, useRoute } from "./shell/route.ts";
import { Shell } from "./shell/shell.tsx";
import { SignIn } from "./shell/sign-in.tsx";
import { NotBuilt } from "./shell/states.tsx";
import { type SessionControl, useSession } from "./shell/use-session.ts";
import { LANGUAGES_BY_NAME } from "./texts/languages.ts";

type SessionView = Schemas["SessionView"];
type OnPreferences = (change: Partial<Preferences>) => void;

/** The places that this version has no screen for, and where the API has their data. */
const CALLS: Readonly<Partial<Record<Place, string>>> = {
  playback: "GET /v1/cameras/{id}/playlist",
  city: "GET /v1/areas, /v1/alarms, /v1/nodes",
};

export function App() {
  const [preferences, onPreferences] = usePreferences();
  const control = useSession();
  const { state } = control;
  const texts = LANGUAGES_BY_NAME[preferences.language];
  if (state.phase === "signed_in") {
    const { session, site } = state;
    return (
      <SignedIn
        key={session.name}
        {...{ control, preferences, onPreferences, session }}
        zone={site.time_zone}
      />
    );
  }
  const frame = { texts, preferences, onPreferences, place: null, session: null, zone: null };
  return (
    <Shell {...frame} onSignOut={() => undefined} reasonBar={null}>
      {state.phase === "signed_out" ? (
        <SignIn
          texts={texts}
          site={state.site}
          notice={state.notice === "" ? "" : texts.signIn[state.notice]}
          onSignedIn={control.signedIn}
        />
      ) : (
        <main class="sign-in" id="content" tabIndex={-1}>
          <h1>{texts.product}</h1>
          {state.phase === "starting" && <p role="status">{texts.signIn.starting}</p>}
          {state.phase === "failed" && (
            <>
              <p role="alert">
                {state.failure instanceof ApiProblem ? state.failure.message : texts.states.offline}
              </p>
              <button type="button" class="primary" onClick={control.restart}>
                {texts.shell.retry}
              </button>
            </>
          )}
        </main>
      )}
    </Shell>
  );
}

interface SignedInProps {
  control: SessionControl;
  preferences: Preferences;
  onPreferences: OnPreferences;
  session: SessionView;
  zone: string;
}

function SignedIn({ control, preferences, onPreferences, session, zone }: SignedInProps) {
  const route = useRoute();
  const { language } = preferences;
  const texts = LANGUAGES_BY_NAME[language];
  const [purpose, setPurpose] = useState(() => purposeOf(session));
  const [isAsking, setAsking] = useState(false);
  const cameras = useCameras(hasRight(session, "cameras_read"), route.place === "cameras");
  const askPurpose = useCallback(() => setAsking(true), []);
  const bound = (next: Purpose) => {
    setPurpose(next);
    setAsking(false);
  };
  const context: ConsoleContext = {
    ...{ texts, language, preferences, zone, session, purpose, askPurpose },
    cameras: cameras.all,
    areas: cameras.areas,
  };
  const onEnd = () => void bindPurpose(NO_PURPOSE).then(bound);
  // These pages read evidence at once, so they need the reason before they are shown.
  const mustAsk =
    session.reason_required &&
    !purpose.reason &&
    ["find", "journeys", "live"].includes(route.place) &&
    hasRight(session, "events_read");
  return (
    <Console.Provider value={context}>
      <Shell
        {...{ texts, preferences, onPreferences, session, zone }}
        place={route.place}
        onSignOut={() => void control.signOut()}
        reasonBar={
          (session.reason_required || purpose.reason) && (
            <ReasonBar texts={texts} purpose={purpose} onChange={askPurpose} onEnd={onEnd} />
          )
        }
      >
        {hasRight(session, "cameras_read") && <Alarms />}
        <main id="content" tabIndex={-1}>
          <h1 class="hidden">{texts.places[route.place]}</h1>
          {isAsking || mustAsk ? (
            <ReasonForm
              texts={texts}
              onBound={bound}
              onCancel={mustAsk ? null : () => setAsking(false)}
            />
          ) : (
            <Page key={purpose.reason + purpose.case} route={route} cameras={cameras} />
          )}
        </main>
      </Shell>
    </Console.Provider>
  );
}

function purposeOf(session: SessionView): Purpose {
  if (session.session === null) return tokenPurpose();
  return { reason: session.session.reason ?? "", case: session.session.case ?? "" };
}

function Page({ route, cameras }: { route: Route; cameras: Cameras }) {
  if (route.place === "find") return <FindPage parameters={route.parameters} />;
  if (route.place === "cameras") {
    return <CamerasPage parameters={route.parameters} cameras={cameras} />;
  }
  if (route.place === "journeys") return <JourneysPage parameters={route.parameters} />;
  if (route.place === "audit") return <AuditPage parameters={route.parameters} />;
  if (route.place === "live") return <LivePage parameters={route.parameters} />;
  if (route.place === "people") return <PeoplePage />;
  return <NotBuilt call={CALLS[route.place] ?? ""} />;
}
