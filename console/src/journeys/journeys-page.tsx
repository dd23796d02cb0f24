// Journeys: where a vehicle was seen, in order, with the legs between and what comes next.
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf, isAborted } from "../api/problem.ts";
import { EventDialog } from "../find/event-dialog.tsx";
import { dotted } from "../find/plate.ts";
import { TimeFields } from "../find/time-fields.tsx";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { JourneyPlane } from "./journey-plane.tsx";
import { apiQueryOf, type JourneyQuery, parametersOf, queryOf } from "./journey-query.ts";
import { Sightings } from "./sightings.tsx";

type Journey = Schemas["Journey"];

const MAX_SIGHTINGS = 200;

export function JourneysPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "events_read")) return <NoRight right="events_read" />;
  return <Journeys address={parameters.toString()} />;
}

function Journeys({ address }: { address: string }) {
  const { texts } = useConsole();
  const query = useMemo(() => queryOf(new URLSearchParams(address)), [address]);
  const [round, setRound] = useState(0);
  const { journey, failure } = useJourney(query, round);
  return (
    <div class="journeys">
      <JourneyForm query={query} />
      {query.plate === "" && <Empty title={texts.journeys.ask} advice={texts.journeys.askAdvice} />}
      {failure !== null && <Failed failure={failure} onRetry={() => setRound(round + 1)} />}
      {query.plate !== "" && journey === null && failure === null && <Loading />}
      {journey !== null && <Found journey={journey} />}
    </div>
  );
}

/** Return the journey of a query; null while it is read, or without a plate. */
function useJourney(
  query: JourneyQuery,
  round: number,
): { journey: Journey | null; failure: Failure | null } {
  const [journey, setJourney] = useState<Journey | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    setJourney(null);
    setFailure(null);
    if (query.plate === "") return undefined;
    const ending = new AbortController();
    const asked = { ...apiQueryOf(query), limit: MAX_SIGHTINGS };
    result(api.GET("/v1/journeys", { params: { query: asked }, signal: ending.signal })).then(
      setJourney,
      (error: unknown) => {
        if (!isAborted(error)) setFailure(failureOf(error));
      },
    );
    return () => ending.abort();
  }, [query, round]);
  return { journey, failure };
}

function JourneyForm({ query }: { query: JourneyQuery }) {
  const { texts } = useConsole();
  const [draft, setDraft] = useState(query);
  useEffect(() => setDraft(query), [query]);
  const change = (changed: Partial<JourneyQuery>) => setDraft({ ...draft, ...changed });
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    navigate("journeys", parametersOf(draft));
  };
  return (
    <form class="search" onSubmit={submit}>
      <div class="filter-fields">
        <label class="field">
          <span>{texts.journeys.plate}</span>
          <input
            name="plate"
            class="plate-input"
            value={draft.plate}
            maxLength={32}
            autocomplete="off"
            required
            onInput={(event) => change({ plate: event.currentTarget.value })}
          />
        </label>
        <TimeFields fromMs={draft.fromMs} toMs={draft.toMs} onChange={change} />
      </div>
      <div class="row">
        <label class="check">
          <input
            type="checkbox"
            checked={draft.fuzzy}
            onChange={(event) => change({ fuzzy: event.currentTarget.checked })}
          />
          {texts.find.fuzzy}
        </label>
        <button type="submit" class="primary">
          {texts.journeys.follow}
        </button>
      </div>
    </form>
  );
}

function Found({ journey }: { journey: Journey }) {
  const { texts } = useConsole();
  const [opened, setOpened] = useState<number | null>(null);
  const { sightings, matches } = journey;
  if (sightings.length === 0) {
    return <Empty title={texts.journeys.empty} advice={texts.journeys.emptyAdvice} />;
  }
  const event = opened === null ? undefined : sightings[opened];
  const step = (by: number) => {
    const next = (opened ?? 0) + by;
    return next >= 0 && next < sightings.length ? () => setOpened(next) : null;
  };
  return (
    <>
      <p role="status">
        {dotted(journey.plate)}
        {texts.colon}
        {texts.journeys.shown(sightings.length, !journey.truncated)}{" "}
        {journey.likely_truncated && texts.journeys.likelyTruncated}
      </p>
      <div class="journey">
        <Sightings journey={journey} onOpen={setOpened} />
        <JourneyPlane journey={journey} />
      </div>
      {event && (
        <EventDialog
          found={{ event, match: matches[opened ?? 0] ?? null }}
          onClose={() => setOpened(null)}
          onPrevious={step(-1)}
          onNext={step(1)}
        />
      )}
    </>
  );
}
