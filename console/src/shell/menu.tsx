// A button that shows less used controls over the page, until the person turns to something else.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface MenuProps {
  /** What the button shows. */
  label: ComponentChildren;
  /** What the button is for. */
  title: string;
  /** The controls; `close` hides them. */
  children: (close: () => void) => ComponentChildren;
}

/** The first field has the focus when the menu opens. Esc closes it and returns to the button. */
export function Menu({ label, title, children }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const whole = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    whole.current?.querySelector<HTMLElement>(".menu-content :is(input, select, button)")?.focus();
    const leave = ({ target }: Event) => {
      if (target instanceof Node && whole.current?.contains(target) === false) setOpen(false);
    };
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    document.addEventListener("keydown", press);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
      document.removeEventListener("keydown", press);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <span ref={whole} class="menu">
      <button
        ref={button}
        type="button"
        title={title}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
        <span class="menu-mark" aria-hidden="true" />
      </button>
      {isOpen && <div class="menu-content">{children(close)}</div>}
    </span>
  );
}
