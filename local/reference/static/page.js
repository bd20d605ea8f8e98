// Draws docs/openapi.json (openapi.js) with Redoc (redoc.js). Both are plain scripts, so that the page also works as a file.

// Redoc shows an address as it is written: put the variables' defaults into it.
const resolved = ({ url, variables = {}, ...rest }) => ({
  ...rest,
  url: url.replace(/\{(\w+)\}/g, (_, name) => variables[name].default),
});

init(
  { ...openapi, servers: openapi.servers.map(resolved) },
  { router: "hash", disableTelemetry: true },
  document.querySelector("#reference"),
);
