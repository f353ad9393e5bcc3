// Amounts over days as bars, and the same as a table for whoever does not see them. uPlot is loaded once a plot is shown.

import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { day, language, say, type Said } from "../language";
import "../style/plot.css";

const words = {
  table: ["As a table", "표로 보기"],
  day: ["Day (UTC)", "날짜(UTC)"],
  failed: ["The plot could not be loaded; the table has the same numbers.", "그래프를 불러오지 못했습니다. 같은 수가 표에 있습니다."],
} satisfies Record<string, Said>;

/** The name of a series, and the CSS variable with its color, such as `--plot-1`. */
export interface Series {
  name: string;
  color: string;
}

/** A day, in milliseconds since 1970, with one value per series. `exact` says the values where a number would round them. */
export interface Point {
  time: number;
  values: number[];
  exact?: string[];
}

interface Props {
  label: string;
  series: Series[];
  points: Point[];
  show: (value: number) => string;
}

const HEIGHT = 200;
const DAY = 86_400;

export function Plot({ label, series, points, show }: Props) {
  const sorted = [...points].sort((a, b) => a.time - b.time);
  const said = (point: Point, at: number) => point.exact?.[at] ?? show(point.values[at] ?? 0);
  const [over, point] = useState<number | null>(null);
  const [failed, fail] = useState(false);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let plot: uPlot | undefined;
    let here = true;
    const drawn = () => {
      const width = Math.floor(box.current?.clientWidth ?? 0);
      if (!plot || width === 0) return;
      if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
      else plot.redraw();
    };
    const size = new ResizeObserver(drawn);
    const theme = new MutationObserver(drawn);
    Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(
      ([{ default: Made }]) => {
        if (!here || !box.current) return;
        plot = new Made(options(Made, series, sorted, show, box.current.clientWidth, point), stacked(series, sorted), box.current);
        size.observe(box.current);
        theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
      },
      () => fail(true),
    );
    return () => {
      here = false;
      size.disconnect();
      theme.disconnect();
      plot?.destroy();
    };
  }, [JSON.stringify([series, sorted]), language.value]);

  const pointed = over === null ? undefined : sorted[over];
  return (
    <figure class="plot">
      <figcaption>
        <span class="plot-label">{label}</span>
        {series.length > 1 && (
          <ul class="plot-series">
            {series.map((one) => (
              <li key={one.name}>
                <span class="plot-color" style={{ background: `var(${one.color})` }} aria-hidden="true" />
                {one.name}
              </li>
            ))}
          </ul>
        )}
      </figcaption>
      {failed ? <p class="soft">{say(words.failed)}</p> : <div class="plot-drawn" ref={box} aria-hidden="true" style={{ minHeight: `${HEIGHT}px` }} />}
      <p class="plot-pointed number" aria-hidden="true">
        {pointed ? `${day(pointed.time)}: ${series.map((one, at) => (series.length > 1 ? `${one.name} ${said(pointed, at)}` : said(pointed, at))).join(", ")}` : "\u00a0"}
      </p>
      <details>
        <summary>{say(words.table)}</summary>
        <div class="scroll plot-table" tabIndex={0} role="region" aria-label={label}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say(words.day)}</th>
                {series.map((one) => <th key={one.name} scope="col" class="right">{one.name}</th>)}
              </tr>
            </thead>
            <tbody>
              {[...sorted].reverse().map((one) => (
                <tr key={one.time}>
                  <td>{day(one.time)}</td>
                  {series.map((of, at) => <td key={of.name} class="right">{said(one, at)}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** What uPlot draws: seconds, then each series on top of those after it, so that the first stands at the top of a bar. */
export function stacked(series: Series[], points: Point[]): uPlot.AlignedData {
  const sum = (point: Point, from: number) => point.values.slice(from).reduce((all, one) => all + one, 0);
  return [points.map((one) => one.time / 1000), ...series.map((_, at) => points.map((one) => sum(one, at)))];
}

function options(
  Made: typeof uPlot,
  series: Series[],
  points: Point[],
  show: (value: number) => string,
  width: number,
  point: (at: number | null) => void,
): uPlot.Options {
  const color = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const when = new Intl.DateTimeFormat(language.value === "ko" ? "ko-KR" : "en-US", { month: "short", day: "numeric", timeZone: "UTC" });
  const axis = { stroke: color("--soft"), font, ticks: { show: false } };
  const bars = Made.paths.bars!({ size: [0.6, 28], radius: 0.15 });
  const first = (points[0]?.time ?? 0) / 1000;
  const last = (points.at(-1)?.time ?? 0) / 1000;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    tzDate: (time) => Made.tzDate(new Date(time * 1000), "Etc/UTC"),
    // Half a day beside the bars, so that the first and the last are whole.
    scales: { x: { range: [first - DAY / 2, last + DAY / 2] }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    series: [{}, ...series.map((one) => ({ label: one.name, paths: bars, points: { show: false }, fill: color(one.color), width: 0 }))],
    axes: [
      { ...axis, size: 28, grid: { show: false }, space: 70, incrs: [1, 2, 5, 7, 14, 30, 91, 182, 365].map((days) => days * DAY), values: (_, splits) => splits.map((at) => when.format(at * 1000)) },
      { ...axis, grid: { stroke: color("--line"), width: 1 }, space: 45, values: (_, splits) => splits.map(show), size: (_, values) => Math.max(0, ...(values ?? []).map((one) => one.length)) * 7 + 14 },
    ],
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
  };
}
