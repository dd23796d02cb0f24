// The fields of role, rights and scope, for a new person and for a change.

import { CLASSES } from "../find/search.ts";
import { optionsOfAreas } from "../find/search-form.tsx";
import { useConsole } from "../shell/console-context.ts";
import { Select } from "../shell/select.tsx";
import { type PersonDraft, RIGHTS, type Role, toggled } from "./person-draft.ts";

interface PersonFieldsProps {
  draft: PersonDraft;
  onChange: (changed: Partial<PersonDraft>) => void;
}

export function PersonFields({ draft, onChange }: PersonFieldsProps) {
  const { people } = useConsole().texts;
  const roles = Object.entries(people.roles) as [Role, string][];
  return (
    <>
      <Select
        label={people.columns.role}
        value={draft.role}
        options={roles}
        onChange={(role) => onChange({ role })}
      />
      <ScopeFields draft={draft} onChange={onChange} />
      <details open={draft.grants.length > 0}>
        <summary>{people.columns.grants}</summary>
        <fieldset class="checks">
          <legend class="hidden">{people.columns.grants}</legend>
          {RIGHTS.map((right) => (
            <label key={right} class="check">
              <input
                type="checkbox"
                checked={draft.grants.includes(right)}
                onChange={() => onChange({ grants: toggled(draft.grants, right) })}
              />
              {people.rights[right]}
            </label>
          ))}
        </fieldset>
      </details>
    </>
  );
}

function ScopeFields({ draft, onChange }: PersonFieldsProps) {
  const { texts, areas } = useConsole();
  const { people } = texts;
  return (
    <fieldset class="stack">
      <legend>{people.columns.scope}</legend>
      <p class="hint">{people.scopeHint}</p>
      <label class="field">
        <span>{texts.cameras.areas}</span>
        <select
          multiple
          size={Math.min(6, Math.max(2, areas.length))}
          onChange={(event) => {
            const chosen = [...event.currentTarget.selectedOptions];
            onChange({ areas: chosen.map((option) => option.value) });
          }}
        >
          {optionsOfAreas(areas).map(([id, name]) => (
            <option key={id} value={id} selected={draft.areas.includes(id)}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <div class="row">
        {CLASSES.map((name) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={draft.classes.includes(name)}
              onChange={() => onChange({ classes: toggled(draft.classes, name) })}
            />
            {texts.find.classes[name]}
          </label>
        ))}
      </div>
      <label class="field">
        <span>{people.extraCameras}</span>
        <input
          value={draft.cameras}
          autocomplete="off"
          onInput={(event) => onChange({ cameras: event.currentTarget.value })}
        />
      </label>
    </fieldset>
  );
}
