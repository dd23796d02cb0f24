// Journeys: where a vehicle was seen, in order, with the legs between and what comes next.
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, type EventView, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf, isAborted } from "../api/problem.ts";
import { EventDialog } from "../find/event-dialog.tsx";
import { dotted } from "../find/plate.ts";
import { TimeFields } from "../find/time-fields.tsx";
import { UnanalysedNotice } from "../find/unanalysed-notice.tsx";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { ClipSequence } from "./clip-sequence.tsx";
import { CompareDialog } from "./compare-dialog.tsx";
import { JourneyMap } from "./journey-on-map.tsx";
import { apiQueryOf, type JourneyQuery, parametersOf, queryOf } from "./journey-query.ts";
import { pairOf, Sightings } from "./sightings.tsx";

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
      <UnanalysedNotice view={journey?.unanalysed} />
      {journey !== null && <Found journey={journey} onChanged={() => setRound(round + 1)} />}
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

/** A correction changes the journey, which is therefore read again when the dialog is closed. */
function Found({ journey, onChanged }: { journey: Journey; onChanged: () => void }) {
  const { texts } = useConsole();
  const [opened, setOpened] = useState<number | null>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [compared, setCompared] = useState<Schemas["LegView"] | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const [corrected, setCorrected] = useState<ReadonlyMap<string, EventView>>(new Map());
  const sightings = journey.sightings.map((one) => corrected.get(one.id) ?? one);
  const { matches } = journey;
  if (sightings.length === 0) {
    return <Empty title={texts.journeys.empty} advice={texts.journeys.emptyAdvice} />;
  }
  const event = opened === null ? undefined : sightings[opened];
  const step = (by: number) => {
    const next = (opened ?? 0) + by;
    return next >= 0 && next < sightings.length ? () => setOpened(next) : null;
  };
  const keep = (later: EventView) => setCorrected(new Map(corrected).set(later.id, later));
  const close = () => {
    setOpened(null);
    setCompared(null);
    if (corrected.size > 0) onChanged();
  };
  const pair = compared === null ? [] : pairOf(compared, { ...journey, sightings });
  return (
    <>
      <p role="status">
        {dotted(journey.plate)}
        {texts.colon}
        {texts.journeys.shown(sightings.length, !journey.truncated)}{" "}
        {journey.likely_truncated && texts.journeys.likelyTruncated}{" "}
        <button type="button" class="play-clips" onClick={() => setPlaying(true)}>
          {texts.journeys.clips}
        </button>
      </p>
      {isPlaying && <ClipSequence sightings={sightings} onClose={() => setPlaying(false)} />}
      <div class="journey">
        <Sightings
          journey={journey}
          onOpen={setOpened}
          onCompare={setCompared}
          highlighted={pointed}
          onHover={setPointed}
        />
        <JourneyMap journey={journey} highlighted={pointed} onHover={setPointed} />
      </div>
      {event && (
        <EventDialog
          found={{ event, match: matches[opened ?? 0] ?? null }}
          onCorrected={keep}
          onClose={close}
          onPrevious={step(-1)}
          onNext={step(1)}
        />
      )}
      {compared && (
        <CompareDialog
          leg={compared}
          pair={pair.filter((one) => one !== undefined)}
          onCorrected={keep}
          onClose={close}
        />
      )}
    </>
  );
}
