import { defineConfig } from "vite";

// `npm run dev` shows the page with a node that runs already: PUMASI=http://127.0.0.1:7420 npm run dev
const node = process.env["PUMASI"] ?? "http://127.0.0.1:7420";
const api = ["/v1", "/api", "/artifacts", "/blobs", "/keys", "/channels", "/offers", "/wallet", "/ledger", "/log", "/receipts", "/session", "/healthz", "/openapi.json"];

export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // Nothing in a data: address: the page's content security policy allows none.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
  server: { proxy: Object.fromEntries(api.map((path) => [path, { target: node, changeOrigin: true, headers: { origin: node } }])) },
});
