// Steps of a check, in order, each with what came of it. A step that is false or could not be done ends the check: nothing
// after it is claimed.

import type { Said } from "../language";
import { Malformed } from "./encoding";

export interface Step {
  name: Said;
  state: "ok" | "bad" | "unknown" | "later";
  why: Said | string | null;
}

/** Something is not as it is said to be. */
export class Wrong extends Error {
  constructor(readonly why: Said) {
    super(why[0]);
  }
}

/** It cannot be told yet, or not from here: no fault. */
export class Untold extends Error {
  constructor(readonly why: Said) {
    super(why[0]);
  }
}

/** The check went no further; what ended it is the last of the steps. */
export class Ended extends Error {}

const unreadable: Said = ["It cannot be read: {error}.", "읽을 수 없습니다: {error}."];

/** Both sentences with their values, for whatever says them later in the language of then. */
export function told(said: Said, values: Record<string, string | number | bigint>): Said {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  return [fill(said[0]), fill(said[1])];
}

export class Steps {
  readonly list: Step[] = [];
  /** What ended the check, if something did. */
  problem: unknown = null;
  constructor(private changed: (done: Step[], running: Step | null) => void = () => {}) {}

  /** Does `work`, which may name the step better, say why, or put it off; the step is in order if it returns. */
  async run<T>(name: Said, work: (step: Step, tell: () => void) => Promise<T>): Promise<T> {
    const step: Step = { name, state: "ok", why: null };
    const tell = () => this.changed([...this.list], { ...step });
    tell();
    try {
      const value = await work(step, tell);
      this.end(step);
      return value;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      const wrong = error instanceof Wrong ? error.why : error instanceof Malformed ? told(unreadable, { error: error.message }) : null;
      step.state = wrong ? "bad" : "unknown";
      step.why = wrong ?? (error instanceof Untold ? error.why : error instanceof Error ? error.message : String(error));
      this.problem = error;
      this.end(step);
      throw new Ended();
    }
  }

  private end(step: Step) {
    this.list.push(step);
    this.changed([...this.list], null);
  }

  get state(): "checked" | "unchecked" | "false" {
    if (this.list.some((step) => step.state === "bad")) return "false";
    return this.list.length === 0 || this.list.some((step) => step.state === "unknown") ? "unchecked" : "checked";
  }
}
