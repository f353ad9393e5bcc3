// The lineage as a graph: each work once, with a place to be drawn at.

import type { Branch, Kind, RatePair } from "./types";

export interface Node {
  id: string;
  name: string;
  kind: Kind;
  royalty: RatePair;
  retired: boolean;
}

export interface Graph {
  nodes: Node[];
  /** From a parent to what is built on it. */
  edges: [from: string, to: string][];
}

/** The tree as a graph: what is reached by several ways is one node. */
export function graph(first: Node, parents: Branch[]): Graph {
  const nodes = new Map<string, Node>([[first.id, first]]);
  const edges = new Map<string, [string, string]>();
  const walk = (child: string, branches: Branch[]) => {
    for (const branch of branches) {
      const { id, name, kind, royalty, retired } = branch;
      edges.set(`${id} ${child}`, [id, child]);
      if (!nodes.has(id)) nodes.set(id, { id, name, kind, royalty, retired });
      walk(id, branch.parents ?? []);
    }
  };
  walk(first.id, parents);
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

export const BOX = { width: 184, height: 62 };
const MARGIN = 6;

export interface Drawn {
  width: number;
  height: number;
  /** Where each node's box begins, from left to right as one tabs. */
  boxes: (Node & { x: number; y: number })[];
  /** Paths of SVG. */
  lines: string[];
}

/** Lays the graph out from left to right, what was there first at the left. */
export async function draw({ nodes, edges }: Graph): Promise<Drawn> {
  const { Graph: Layout, layout } = await import("@dagrejs/dagre");
  const to = new Layout();
  to.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 44, marginx: MARGIN, marginy: MARGIN });
  to.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) to.setNode(node.id, { ...BOX });
  for (const [from, child] of edges) to.setEdge(from, child);
  layout(to);
  const boxes = nodes.map((node) => {
    const { x = 0, y = 0 } = to.node(node.id);
    return { ...node, x: x - BOX.width / 2, y: y - BOX.height / 2 };
  });
  const lines = to.edges().map((edge) => curve(to.edge(edge).points ?? []));
  const { width = 0, height = 0 } = to.graph();
  return { width, height, boxes: boxes.sort((a, b) => a.x - b.x || a.y - b.y), lines };
}

/** A smooth way along points: each is the pull between the middles of its two lines. */
export function curve(points: { x: number; y: number }[]): string {
  const text = (x: number, y: number) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
  const [first, ...rest] = points;
  if (!first) return "";
  const last = rest.at(-1) ?? first;
  const bends = rest.slice(0, -1).map((point, at) => {
    const next = rest[at + 1]!;
    const end = at === rest.length - 2 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${text(point.x, point.y)} ${text(end.x, end.y)}`;
  });
  return `M${text(first.x, first.y)}${bends.length > 0 ? bends.join("") : `L${text(last.x, last.y)}`}`;
}
