// One box for everything on the ledger: recognizes what was written, and where that is shown.

import { get, Problem } from "../api";
import { say, type Said } from "../language";
import { link } from "../router";

const words = {
  nothing: [
    "That is no account, artifact, receipt, channel, offer or operation here. Names of works can be searched for under Explore.",
    "이 원장에 그런 계정, 아티팩트, 영수증, 채널, 제공 조건, 작업이 없습니다. 작품 이름은 둘러보기에서 찾을 수 있습니다.",
  ],
} satisfies Record<string, Said>;

/** The place of what `text` names. Throws what to tell the person where it names nothing. */
export async function find(text: string): Promise<string> {
  // A whole address of this page is as good as what it names.
  const written = text.trim().normalize("NFC").replace(/^.*#\//, "#/");
  if (written.startsWith("#/")) return written;
  const bare = written.toLowerCase().replace(/^#/, "").replace(/^chatcmpl-/, "");
  if (/^\d{1,15}$/.test(bare) && (await stands(`/ledger/operations/${bare}`))) return link(["ledger", "operation", bare]);
  if (/^[0-9a-f]{32}$/.test(bare)) return link(["receipt", bare]);
  if (/^ch_[0-9a-f]{64}$/.test(bare)) return link(["ledger"], { channel: bare });
  if (/^of_[0-9a-f]{64}$/.test(bare)) return offered(bare);
  const digest = /^(?:sha256:)?([0-9a-f]{64})$/.exec(bare)?.[1];
  if (digest) {
    if (!bare.startsWith("sha256:") && (await stands(`/ledger/accounts/${digest}`))) return link(["ledger", "account", digest]);
    if (await stands(`/ledger/artifacts/sha256:${digest}`)) return link(["artifact", `sha256:${digest}`]);
  }
  const work = /^([a-z0-9-]+)\/([a-z0-9._-]+)(?::([a-z0-9._-]+))?$/.exec(bare);
  if (work) {
    const found = await artifact(`/ledger/artifacts/${work[1]}/${work[2]}:${work[3] ?? "latest"}`);
    if (found) return link(["artifact", found]);
  }
  if (/^[a-z0-9-]{2,39}$/.test(bare)) {
    const named = await known<{ id: string }>(`/ledger/accounts/${bare}`);
    if (named) return link(["ledger", "account", named.id]);
  }
  throw new Error(say(words.nothing));
}

async function known<T>(path: string): Promise<T | null> {
  try {
    return await get<T>(path);
  } catch (error) {
    if (error instanceof Problem && error.status >= 400 && error.status < 500) return null;
    throw error;
  }
}

const stands = async (path: string) => (await known(path)) !== null;
const artifact = async (path: string) => (await known<{ id: string }>(path))?.id;

/** An offer is shown with its artifact. */
async function offered(id: string): Promise<string> {
  const { offers } = await get<{ offers: { id: string; artifact: string }[] }>("/ledger/offers?withdrawn=true");
  const found = offers.find((offer) => offer.id === id);
  if (!found) throw new Error(say(words.nothing));
  return link(["artifact", found.artifact]);
}
