// The hits of watches above every page, with the way to the camera and to the passing.
import { PlateBadge, plateText } from "../find/plate-badge.tsx";
import { cameraName, hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { addressOf, navigate } from "../shell/route.ts";
import { ring } from "./bell.ts";
import { liveOf, passingOf, type WatchMatch } from "./hits.ts";
import { useHits } from "./use-hits.ts";

const MOST_SHOWN = 5;

export function HitBanner() {
  const { texts, session, purpose, cameras } = useConsole();
  const time = useTimes();
  const isOn = hasRight(session, "watches") && (!session.reason_required || purpose.reason !== "");
  const { hits, dismiss } = useHits(isOn, (match) => {
    const { event } = match;
    const where = [cameraName(cameras, event.camera), time(event.started_at)].join(texts.list);
    const onOpen = () => navigate("find", passingOf(match));
    const title = texts.watches.hit(plateText(event, texts));
    void ring({ title, body: where, tag: match.id, onOpen });
  });
  if (hits.shown.length === 0 && !hits.isIncomplete) return null;
  const left = hits.shown.length - MOST_SHOWN;
  return (
    <section class="hits" aria-label={texts.watches.hits}>
      <div role="alert">
        <ul>
          {hits.shown.slice(0, MOST_SHOWN).map((match) => (
            <Hit key={match.id} match={match} onDismiss={() => dismiss(match.id)} />
          ))}
        </ul>
      </div>
      {hits.isIncomplete && (
        <p role="status">
          {texts.watches.incomplete} <a href={addressOf("watches")}>{texts.places.watches}</a>
        </p>
      )}
      {(left > 0 || hits.isIncomplete) && (
        <p class="row">
          {left > 0 && <span>{texts.watches.moreHits(left)}</span>}
          <button type="button" onClick={() => dismiss(null)}>
            {texts.watches.dismissAll}
          </button>
        </p>
      )}
    </section>
  );
}

function Hit({ match, onDismiss }: { match: WatchMatch; onDismiss: () => void }) {
  const { texts, session, cameras } = useConsole();
  const time = useTimes();
  const { event } = match;
  return (
    <li class="row">
      <PlateBadge event={event} />
      <strong>{cameraName(cameras, event.camera)}</strong>
      <time dateTime={event.started_at}>{time(event.started_at)}</time>
      <span class="quiet">
        {match.case}
        {match.tie === "exact" ? "" : texts.list + texts.find.ties[match.tie]}
      </span>
      {hasRight(session, "live_view") && (
        <a class="button primary" href={addressOf("live", liveOf(match))}>
          {texts.watches.live}
        </a>
      )}
      <a class="button" href={addressOf("find", passingOf(match))}>
        {texts.watches.passing}
      </a>
      <button type="button" onClick={onDismiss}>
        {texts.watches.dismiss}
      </button>
    </li>
  );
}
