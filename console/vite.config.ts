import { defineConfig } from "vite";

// The API serves `dist`: names in `assets` have a hash of the content, and may be cached forever.
export default defineConfig({
  base: "/",
  build: {
    target: "es2023",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": process.env["SIGHTLINE_URL"] ?? "http://127.0.0.1:8080" } },
});
