// Renders the API reference from the document of this server, without requests to other origins.
Scalar.createApiReference("#reference", {
  url: "/openapi.json",
  // The page may be open under another name of this server than the document has.
  servers: [{ url: location.origin }],
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  mcp: { disabled: true },
  agent: { disabled: true },
  showDeveloperTools: "never",
  onRequestBuilt: ({ request }) => {
    // The example of the document would answer the second attempt with the first one's order. A key
    // that the reader has entered stays, so that a repetition can be tried, too.
    if (request.headers.get("Idempotency-Key") === "0b8e2f6c-9a64-4a53-8e0e-3d2a3c9d6f10") {
      request.headers.set("Idempotency-Key", freshKey());
    }
  },
});

/** A random UUID. `crypto.randomUUID` exists on encrypted connections only. */
function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
