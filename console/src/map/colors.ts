// The colours of the theme, as a canvas needs them.
import { TONES, type Tone } from "./map-content.ts";
import { GROUND_COLORS, type GroundPalette } from "./vector/ground-style.ts";

export interface Colors {
  tones: Readonly<Record<Tone, string>>;
  ground: string;
  ink: string;
  onAccent: string;
  quiet: string;
  /** The colours of a base map of vector tiles. */
  palette: GroundPalette;
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
  const palette = Object.fromEntries(
    GROUND_COLORS.map((name) => [name, color(`map-${name}`)]),
  ) as GroundPalette;
  const colors = {
    tones,
    palette,
    ground: color("card"),
    ink: color("ink"),
    onAccent: color("on-accent"),
    quiet: color("quiet"),
  };
  probe.remove();
  return colors;
}
