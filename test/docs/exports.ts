// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

export const root = path.join(import.meta.dirname, "../..");

export interface Example {
  /** The export, and the member of it that has the example: `createPod`, `NetworkNamespace.listen`. */
  readonly name: string;
  readonly source: string;
}

/** An export of the package, as its users see it in their editor; or `module`, of an entry point that only has effects. */
export interface DocumentedExport {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly Example[];
}

/** The entry points of package.json: `sluice/testing` and src/testing/index.ts. */
export function entryPoints(): { specifier: string; file: string }[] {
  const { name, exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  return Object.entries<string | { default: string }>(exports).flatMap(([subpath, target]) => {
    if (typeof target === "string") return []; // package.json itself
    const file = target.default.replace("./dist/", "src/").replace(/\.js$/, ".ts");
    return { specifier: `${name}${subpath.slice(1)}`, file: path.join(root, file) };
  });
}

/** What a tsconfig of the project says. */
export function configuration(name: string): ts.ParsedCommandLine {
  const { config } = ts.readConfigFile(path.join(root, name), ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, root);
}

/** The project's compiler options, as far as they matter to a user's program. */
export function compilerOptions(): ts.CompilerOptions {
  const { options } = configuration("tsconfig.json");
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}

/**
 * Every export of an entry point, with its documentation.
 *
 * @throws {Error} when the entry point has no source: package.json would name what the build does not make.
 */
export function documentedExports(file: string): DocumentedExport[] {
  const program = ts.createProgram([file], compilerOptions());
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  if (source === undefined) {
    throw new Error(
      `package.json has an export whose source would be ${path.relative(root, file)}: there is none`,
    );
  }
  const module = checker.getSymbolAtLocation(source);
  const exports = module === undefined ? [] : checker.getExportsOfModule(module);
  if (exports.length === 0) return [documentedModule(source)];
  return exports.map((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const members = [...(symbol.members?.values() ?? [])];
    return {
      name: exported.name,
      summary: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
      examples: [
        ...examplesOf(symbol, exported.name, checker),
        ...members.flatMap((member) => examplesOf(member, `${exported.name}.${member.name}`, checker)),
      ],
    };
  });
}

/** The comment at the head of a file, which the compiler gives to the first statement. */
function documentedModule(source: ts.SourceFile): DocumentedExport {
  const [first] = source.statements;
  const comments = first === undefined ? [] : ts.getJSDocCommentsAndTags(first).filter(ts.isJSDoc);
  const tags = comments.flatMap((comment) => comment.tags ?? []);
  return {
    name: "module",
    summary: comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "").join("\n"),
    examples: tags
      .filter((tag) => tag.tagName.text === "example")
      .map((tag) => ({ name: "module", source: ts.getTextOfJSDocComment(tag.comment) ?? "" })),
  };
}

function examplesOf(symbol: ts.Symbol, name: string, checker: ts.TypeChecker): Example[] {
  return symbol
    .getJsDocTags(checker)
    .filter((tag) => tag.name === "example")
    .map((tag) => ({ name, source: ts.displayPartsToString(tag.text) }));
}

/** The blocks of TypeScript in a guide, each with the line on which it begins. */
export function codeBlocks(guide: string): { line: number; source: string }[] {
  const text = readFileSync(path.join(root, guide), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((block) => ({
    line: text.slice(0, block.index).split("\n").length,
    source: block[1] ?? "",
  }));
}

/** What the compiler has to say of each file, all in one program; files without a complaint are left out. */
export function typeErrors(files: readonly string[]): Map<string, string[]> {
  const program = ts.createProgram(files, compilerOptions());
  const errors = new Map<string, string[]>();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (found.length === 0) continue;
    const texts = found.map(({ messageText, start = 0 }) => {
      const line = source === undefined ? 0 : source.getLineAndCharacterOfPosition(start).line + 1;
      return `line ${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
    errors.set(file, texts);
  }
  return errors;
}
