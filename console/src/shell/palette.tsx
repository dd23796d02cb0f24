// The command palette (Ctrl+K): places, plates and cameras by a few letters.
import { useEffect, useState } from "preact/hooks";
import { type Command, commandsFor } from "./commands.ts";
import { useConsole } from "./console-context.ts";
import { Dialog } from "./dialog.tsx";
import { placesFor } from "./route.ts";

export function Palette() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
  return isOpen ? <PaletteDialog onClose={() => setOpen(false)} /> : null;
}

function PaletteDialog({ onClose }: { onClose: () => void }) {
  const { texts, cameras, session } = useConsole();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const commands = commandsFor(text, texts, cameras.values(), placesFor(session.rights));
  const run = (command: Command | undefined) => {
    if (command === undefined) return;
    onClose();
    location.hash = command.address;
  };
  const pressKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") run(commands[chosen]);
    if (step === undefined || commands.length === 0) return;
    event.preventDefault();
    setChosen((chosen + step + commands.length) % commands.length);
  };
  return (
    <Dialog
      class="confirm"
      title={texts.palette.title}
      closeLabel={texts.shell.close}
      onClose={onClose}
    >
      <div class="stack">
        <input
          role="combobox"
          aria-label={texts.palette.title}
          aria-expanded="true"
          aria-controls="palette-commands"
          aria-activedescendant={commands.length > 0 ? `palette-${chosen}` : undefined}
          autocomplete="off"
          placeholder={texts.palette.placeholder}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={pressKey}
        />
        <div id="palette-commands" class="palette" role="listbox" aria-label={texts.palette.title}>
          {commands.map((command, index) => (
            <div
              key={command.address + command.text}
              id={`palette-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              onClick={() => run(command)}
              onKeyDown={pressKey}
            >
              {command.text}
            </div>
          ))}
        </div>
        {commands.length === 0 && <p role="status">{texts.palette.nothing}</p>}
      </div>
    </Dialog>
  );
}
