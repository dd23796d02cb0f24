// The console: it signs the person in, asks for the reason of the task, and shows one page.
import { useCallback, useState } from "preact/hooks";
import type { Schemas } from "./api/client.ts";
import { type Purpose, tokenPurpose } from "./api/credentials.ts";
import { setMessageZone } from "./api/message.ts";
import { ApiProblem } from "./api/problem.ts";
import { useRecovery } from "./api/reachable.ts";
import { type Cameras, useCameras } from "./cameras/use-cameras.ts";
import { FindPage } from "./find/find-page.tsx";
import { Alarms } from "./shell/alarms.tsx";
import { Console, type ConsoleContext, hasRight } from "./shell/console-context.ts";
import { lazy } from "./shell/lazy.tsx";
import { Palette } from "./shell/palette.tsx";
import { type Preferences, usePreferences } from "./shell/preferences.ts";
import { bindPurpose, NO_PURPOSE, ReasonBar, ReasonForm } from "./shell/reason-bar.tsx";
import { type Place, placesFor, type Route, useRoute } from "./shell/route.ts";
import { Shell } from "./shell/shell.tsx";
import { SignIn } from "./shell/sign-in.tsx";
import { type SessionControl, useSession } from "./shell/use-session.ts";
import { textsOf } from "./texts/languages.ts";
import { HitBanner } from "./watches/hit-banner.tsx";

// The first view is Find. Every other page is loaded when it is first shown.
const ApprovalsPage = lazy(
  async () => (await import("./approvals/approvals-page.tsx")).ApprovalsPage,
);
const AuditPage = lazy(async () => (await import("./audit/audit-page.tsx")).AuditPage);
const CamerasPage = lazy(async () => (await import("./cameras/cameras-page.tsx")).CamerasPage);
const CityPage = lazy(async () => (await import("./city/city-page.tsx")).CityPage);
const ExportsPage = lazy(async () => (await import("./exports/exports-page.tsx")).ExportsPage);
const JourneysPage = lazy(async () => (await import("./journeys/journeys-page.tsx")).JourneysPage);
const LivePage = lazy(async () => (await import("./live/live-page.tsx")).LivePage);
const PeoplePage = lazy(async () => (await import("./people/people-page.tsx")).PeoplePage);
const PlaybackPage = lazy(async () => (await import("./playback/playback-page.tsx")).PlaybackPage);
const WatchesPage = lazy(async () => (await import("./watches/watches-page.tsx")).WatchesPage);

const EVIDENCE_PLACES: readonly Place[] = [
  "find",
  "journeys",
  "watches",
  "live",
  "playback",
  "exports",
];

type SessionView = Schemas["SessionView"];
type OnPreferences = (change: Partial<Preferences>) => void;

export function App() {
  const [preferences, onPreferences] = usePreferences();
  const control = useSession();
  const { state } = control;
  const texts = textsOf(preferences.language);
  if (state.phase === "signed_in") {
    const { session, site } = state;
    return (
      <SignedIn key={session.name} {...{ control, preferences, onPreferences, session, site }} />
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
          <Restart isOn={state.phase === "failed"} onRestart={control.restart} />
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

/** Starts again when the API answers again. */
function Restart({ isOn, onRestart }: { isOn: boolean; onRestart: () => void }) {
  useRecovery(isOn, onRestart);
  return null;
}

interface SignedInProps {
  control: SessionControl;
  preferences: Preferences;
  onPreferences: OnPreferences;
  session: SessionView;
  site: Schemas["SiteView"];
}

function SignedIn({ control, preferences, onPreferences, session, site }: SignedInProps) {
  const zone = site.time_zone;
  setMessageZone(zone);
  const route = useRoute(placesFor(session.rights)[0] ?? "find");
  const { language } = preferences;
  const texts = textsOf(language);
  const [purpose, setPurpose] = useState(() => purposeOf(session));
  const [isAsking, setAsking] = useState(false);
  const cameras = useCameras(
    hasRight(session, "cameras_read"),
    ["cameras", "city"].includes(route.place),
    language,
  );
  const askPurpose = useCallback(() => setAsking(true), []);
  const bound = (next: Purpose) => {
    setPurpose(next);
    setAsking(false);
  };
  const context: ConsoleContext = {
    ...{ texts, language, preferences, site, zone, session, purpose, askPurpose },
    cameras: cameras.all,
    areas: cameras.areas,
  };
  const onEnd = () => void bindPurpose(NO_PURPOSE).then(bound);
  // These pages read evidence at once, so they need the reason before they are shown.
  const mustAsk =
    session.reason_required &&
    !purpose.reason &&
    EVIDENCE_PLACES.includes(route.place) &&
    hasRight(session, "events_read");
  // An auditor or an administrator reads no evidence, so there is no reason to state.
  const readsEvidence = placesFor(session.rights).some((place) => EVIDENCE_PLACES.includes(place));
  return (
    <Console.Provider value={context}>
      <Shell
        {...{ texts, preferences, onPreferences, session, zone }}
        place={route.place}
        onSignOut={() => void control.signOut()}
        reasonBar={
          ((session.reason_required && readsEvidence) || purpose.reason) && (
            <ReasonBar texts={texts} purpose={purpose} onChange={askPurpose} onEnd={onEnd} />
          )
        }
      >
        {hasRight(session, "cameras_read") && <Alarms />}
        <HitBanner />
        <Palette />
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
  if (route.place === "watches") return <WatchesPage parameters={route.parameters} />;
  if (route.place === "audit") return <AuditPage parameters={route.parameters} />;
  if (route.place === "live") return <LivePage parameters={route.parameters} />;
  if (route.place === "approvals") return <ApprovalsPage />;
  if (route.place === "exports") return <ExportsPage parameters={route.parameters} />;
  if (route.place === "people") return <PeoplePage />;
  if (route.place === "playback") return <PlaybackPage parameters={route.parameters} />;
  return <CityPage cameras={cameras} />;
}
