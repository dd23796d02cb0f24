// A modal dialog: the browser keeps the focus in it, closes it by Esc, and hides the rest.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface DialogProps {
  title: string;
  closeLabel: string;
  class?: string;
  onClose: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: ComponentChildren;
}

export function Dialog(props: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const opener = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={props.class ?? ""}
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onKeyDown={props.onKeyDown ?? (() => undefined)}
    >
      <div class="dialog-head">
        <h2>{props.title}</h2>
        <button type="button" onClick={props.onClose}>
          {props.closeLabel}
        </button>
      </div>
      {props.children}
    </dialog>
  );
}
