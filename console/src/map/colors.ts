// The colours of the theme, as a canvas needs them.
import { TONES, type Tone } from "./map-content.ts";

export interface Colors {
  tones: Readonly<Record<Tone, string>>;
  ground: string;
  ink: string;
  onAccent: string;
}

/** Return the colours that the style sheet gives an element in its present theme. */
export function colorsOf(element: HTMLElement): Colors {
  // A custom property keeps `light-dark(…)`, which only a real property resolves.
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const tones = Object.fromEntries(TONES.map((tone) => [tone, color(tone)])) as Record<
    Tone,
    string
  >;
  const colors = {
    tones,
    ground: color("card"),
    ink: color("ink"),
    onAccent: color("on-accent"),
  };
  probe.remove();
  return colors;
}
