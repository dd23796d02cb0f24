// A picture of an event. Its space is kept while it loads, so that nothing moves.
import { usePicture } from "../api/use-content.ts";
import { useConsole } from "../shell/console-context.ts";

export function Picture(props: { path: string; alt: string; class: string }) {
  const { texts } = useConsole();
  const { url, failure } = usePicture(props.path);
  if (url !== null) return <img class={props.class} src={url} alt={props.alt} />;
  return (
    <span class={`${props.class} no-picture`}>{failure === null ? "" : texts.find.noPicture}</span>
  );
}
