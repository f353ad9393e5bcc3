// Words that several parts of these two pages say.

import { say, type Said } from "../language";
import { shownName } from "../parts/name";
import type { Class, Kind, Summary } from "./types";

export const kinds = {
  model: ["Model", "모델"],
  adapter: ["Adapter", "어댑터"],
  dataset: ["Dataset", "데이터셋"],
  recipe: ["Recipe", "레시피"],
  evaluation: ["Evaluation", "평가"],
} satisfies Record<Kind, Said>;

export const manyKinds = {
  model: ["Models", "모델"],
  adapter: ["Adapters", "어댑터"],
  dataset: ["Datasets", "데이터셋"],
  recipe: ["Recipes", "레시피"],
  evaluation: ["Evaluations", "평가"],
} satisfies Record<Kind, Said>;

/** The classes of the Model Openness Framework. */
export const classes = {
  III: ["Class III · open model", "III등급 · 열린 모델"],
  II: ["Class II · open tooling", "II등급 · 열린 도구"],
  I: ["Class I · open science", "I등급 · 열린 과학"],
} satisfies Record<Class, Said>;

const words = {
  retired: ["Retired", "내려짐"],
  unclaimed: ["Author unclaimed", "주인 미확인"],
  away: ["Files elsewhere", "파일이 다른 곳에 있음"],
  free: ["No royalty", "로열티 없음"],
  built: ["{count} built on it", "이것으로 만든 작품 {count}개"],
} satisfies Record<string, Said>;

/** Of a kind that is not known here its own word. */
export const kindName = (kind: string) => (kind in kinds ? say(kinds[kind as Kind]) : kind);
export const className = (of: Class) => (of in classes ? say(classes[of]) : of);

/** Whether it can be asked something, once somebody offers it. */
export const runs = (kind: Kind) => kind === "model" || kind === "adapter";

/** What people call it: its title, or the last part of its name. */
export const titleOf = (of: Summary) => of.title?.trim() || shownName(of.name).replace(/^[^/]*\//, "");

export const states = words;

/** Where the bytes of a digest are. */
export const blob = (digest: string) => `/blobs/${digest}`;
