// Messages of the API: a template in the language of the person, with parts that are data.
import { wallOf } from "../time/zone.ts";

/** A part of a message: data of the site, a time, or another message. */
type Part = string | number | { at: string } | Message;

interface Message {
  template: string;
  parts: Record<string, Part>;
}

const NAME = /\{([a-z][a-z0-9_]*)\}/g;
let zone = "UTC";

/** Choose the time zone in which messages show their times. */
export function setMessageZone(name: string): void {
  zone = name;
}

/**
 * Return the sentence of a message; `detail` if the API, or a program before it, sent none.
 *
 * A part is text that stays as it is, also where it looks like the name of a part.
 */
export function sentenceOf(message: unknown, detail: string): string {
  return isMessage(message) ? filled(message) : detail;
}

/** Return the sentence of a problem within another message. */
export function sentenceOfProblem(problem: { message?: unknown; detail: string }): string {
  return sentenceOf(problem.message, problem.detail);
}

function filled({ template, parts }: Message): string {
  return template.replace(NAME, (name, key: string) => {
    const part = Object.hasOwn(parts, key) ? parts[key] : undefined;
    return part === undefined ? name : textOf(part);
  });
}

function textOf(part: Part): string {
  if (typeof part !== "object") return String(part);
  if (isMessage(part)) return filled(part);
  if ("at" in part) return wallOf(Date.parse(part.at), zone).replace("T", " ");
  return "";
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== "object" || value === null) return false;
  const parts: unknown = Reflect.get(value, "parts");
  return typeof Reflect.get(value, "template") === "string" && typeof parts === "object" && !!parts;
}
