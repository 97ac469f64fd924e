// Reads documents from stdin, one JSON array, and prints for each what the parser says of it.
const { Parser } = require("@asyncapi/parser");

async function parsed(document) {
  const found = await new Parser().parse(document);
  const diagnostics = found.diagnostics.map(({ code, message, path }) => ({ code, message, path: path.join("/") }));
  return { valid: found.document !== undefined, diagnostics };
}

async function main() {
  const documents = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const answers = [];
  for (const document of documents) answers.push(await parsed(document));
  process.stdout.write(JSON.stringify(answers));
}

main();
