// Draws the API reference from the document that this server generates, without anything from elsewhere.
Scalar.createApiReference("#reference", {
  url: "/openapi.json",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  mcp: { disabled: true },
  agent: { disabled: true },
  showDeveloperTools: "never",
});
