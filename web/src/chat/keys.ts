// The keyboard in a field for a question.

/** Enter sends, Shift+Enter is a new line. While Hangul is being composed Enter belongs to the keyboard: sending then would lose or repeat the last syllable. */
export function sends(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

/** Grows with its text, up to what the style allows. */
export function fit(area: HTMLTextAreaElement) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

/** Where a keyboard is at hand the next question can be typed at once; on a touch screen one would only jump up. */
export function toComposer() {
  if (matchMedia("(hover: hover) and (pointer: fine)").matches) document.getElementById("chat-ask")?.focus();
}
