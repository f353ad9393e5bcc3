// What a person may set for a conversation, and what is wrong with it, by field.

import type { Said } from "../language";
import type { Options } from "./tree";

const words = {
  temperature: ["A number from 0 to 2, such as 0.7.", "0에서 2까지의 수를 적어 주세요. 예: 0.7"],
  seed: ["A whole number, such as 42.", "정수를 적어 주세요. 예: 42"],
  limit: ["A whole number from 1.", "1 이상의 정수를 적어 주세요."],
} satisfies Record<string, Said>;

const whole = (text: string) => /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text));

export function faults({ temperature, seed, limit }: Options): Partial<Record<keyof Options, Said>> {
  const found: Partial<Record<keyof Options, Said>> = {};
  if (temperature && !(/^\d*\.?\d+$/.test(temperature) && Number(temperature) <= 2)) found.temperature = words.temperature;
  if (seed && !whole(seed)) found.seed = words.seed;
  if (limit && !(whole(limit) && Number(limit) >= 1)) found.limit = words.limit;
  return found;
}
