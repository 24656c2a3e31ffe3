// SPDX-License-Identifier: GPL-2.0-or-later

// JavaScript that counts which ways it goes, for libFuzzer (native/fuzz/node/driver.cc): one counter for each function, branch, case,
// operand and loop. Strings that are compared and differ are told, too.

import ts from "typescript";

const { factory } = ts;
const COUNTERS = "__counters";
const EQUALITIES = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "__same"],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "__differ"],
]);
const SHORT_CIRCUITS = [
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
];

/**
 * The same program, counting in the global `__counters`, a Uint8Array, and comparing by the globals `__same` and `__differ`.
 *
 * @param {string} code
 * @returns {{ code: string, counters: number }}
 */
export function instrument(code) {
  let counters = 0;
  const count = () =>
    factory.createPostfixIncrement(
      factory.createElementAccessExpression(factory.createIdentifier(COUNTERS), counters++),
    );
  /** @param {ts.Expression} expression */
  const counted = (expression) =>
    factory.createParenthesizedExpression(factory.createComma(count(), expression));
  /** @param {ts.Statement | undefined} statement */
  const branch = (statement) => {
    const own = statement === undefined ? [] : ts.isBlock(statement) ? statement.statements : [statement];
    return factory.createBlock([factory.createExpressionStatement(count()), ...own], true);
  };
  /** A function's body; directives such as "use strict" stay in front. @param {ts.Block} body */
  const entered = (body) => {
    const directives = body.statements.findIndex(
      (each) => !(ts.isExpressionStatement(each) && ts.isStringLiteral(each.expression)),
    );
    const at = directives === -1 ? body.statements.length : directives;
    const statements = [...body.statements];
    statements.splice(at, 0, factory.createExpressionStatement(count()));
    return factory.createBlock(statements, true);
  };

  /** @type {ts.TransformerFactory<ts.SourceFile>} */
  const transformer = (context) => (file) => {
    /** @type {ts.Visitor} */
    const visit = (node) => {
      const inner = ts.visitEachChild(node, visit, context);
      if (ts.isBlock(inner) && ts.isFunctionLike(node.parent)) return entered(inner);
      if (ts.isArrowFunction(inner) && !ts.isBlock(inner.body)) {
        const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken: arrow, body } = inner;
        return factory.updateArrowFunction(
          inner,
          modifiers,
          typeParameters,
          parameters,
          type,
          arrow,
          counted(body),
        );
      }
      if (ts.isIfStatement(inner)) {
        const { expression, thenStatement, elseStatement } = inner;
        return factory.updateIfStatement(inner, expression, branch(thenStatement), branch(elseStatement));
      }
      if (ts.isConditionalExpression(inner)) {
        const { condition, questionToken, whenTrue, colonToken, whenFalse } = inner;
        const [yes, no] = [counted(whenTrue), counted(whenFalse)];
        return factory.updateConditionalExpression(inner, condition, questionToken, yes, colonToken, no);
      }
      if (ts.isCaseOrDefaultClause(inner)) {
        const statements = [factory.createExpressionStatement(count()), ...inner.statements];
        return ts.isCaseClause(inner)
          ? factory.updateCaseClause(inner, inner.expression, statements)
          : factory.updateDefaultClause(inner, statements);
      }
      if (ts.isForOfStatement(inner)) {
        const { awaitModifier, initializer, expression, statement } = inner;
        return factory.updateForOfStatement(inner, awaitModifier, initializer, expression, branch(statement));
      }
      if (ts.isForStatement(inner)) {
        const { initializer, condition, incrementor, statement } = inner;
        return factory.updateForStatement(inner, initializer, condition, incrementor, branch(statement));
      }
      if (ts.isWhileStatement(inner)) {
        return factory.updateWhileStatement(inner, inner.expression, branch(inner.statement));
      }
      if (ts.isCatchClause(inner)) {
        return factory.updateCatchClause(inner, inner.variableDeclaration, branch(inner.block));
      }
      if (ts.isBinaryExpression(inner)) {
        const { left, operatorToken, right } = inner;
        if (SHORT_CIRCUITS.includes(operatorToken.kind)) {
          return factory.updateBinaryExpression(inner, left, operatorToken, counted(right));
        }
        const compares = EQUALITIES.get(operatorToken.kind);
        if (compares !== undefined && !ts.isTypeOfExpression(left)) {
          return factory.createCallExpression(factory.createIdentifier(compares), undefined, [left, right]);
        }
      }
      return inner;
    };
    return ts.visitEachChild(file, visit, context);
  };

  const source = ts.createSourceFile("bundle.js", code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const { transformed } = ts.transform(source, [transformer]);
  const [file] = transformed;
  if (file === undefined) throw new Error("a bundle that is no program");
  return { code: ts.createPrinter().printFile(file), counters };
}
