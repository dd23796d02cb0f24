// The place of a search: typed names of cameras and areas, of which one is chosen.
import { useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import type { Texts } from "../texts/en.ts";
import { NEAR_M, type Place, placeOf, placesFor } from "./place.ts";
import type { Search } from "./search.ts";

interface PlaceFieldProps {
  search: Search;
  onChange: (filters: Place["filters"]) => void;
}

export function PlaceField({ search, onChange }: PlaceFieldProps) {
  const { texts, cameras, areas } = useConsole();
  const { quickSearch } = texts;
  const [text, setText] = useState("");
  const found = placesFor(text, cameras.values(), areas);
  const choose = (place: Place) => {
    setText("");
    onChange(place.filters);
  };
  const chosen = textOfPlace(search, placeOf(search, cameras.values(), areas), texts);
  return (
    <div class="row place">
      <label class="row">
        <span class="quiet">{quickSearch.place}</span>
        <input
          name="place"
          value={text}
          autocomplete="off"
          placeholder={quickSearch.placePlaceholder}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            const [first] = found;
            if (event.key !== "Enter" || first === undefined) return;
            event.preventDefault();
            choose(first);
          }}
        />
      </label>
      {chosen !== "" && (
        <button
          type="button"
          aria-pressed="true"
          aria-label={quickSearch.remove(chosen)}
          onClick={() => onChange({ area: "", near: "", within: "" })}
        >
          {chosen} ×
        </button>
      )}
      <span class="row suggestions" aria-live="polite">
        {found.map((place) => (
          <button key={place.kind + place.id} type="button" onClick={() => choose(place)}>
            {textOf(place, texts)}
          </button>
        ))}
        {text.trim() !== "" && found.length === 0 && quickSearch.noPlace}
      </span>
    </div>
  );
}

function textOf(place: Place, { quickSearch }: Texts): string {
  return place.kind === "area"
    ? quickSearch.inArea(place.name)
    : quickSearch.around(place.name, NEAR_M);
}

function textOfPlace(search: Search, place: Place | null, texts: Texts): string {
  if (place !== null) return textOf(place, texts);
  if (search.within !== "") return texts.quickSearch.polygon;
  return search.near === "" ? "" : texts.quickSearch.circle;
}
