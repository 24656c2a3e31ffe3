// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type FileStatus, type Files } from "./files.ts";
import { askService } from "./standalone.ts";

/** Files as native/files reaches them. What it answers is this project's own, and is not checked again. */
export function standaloneFiles(): Files {
  return {
    locked(folder, work) {
      ask({ op: "lock", path: folder });
      try {
        return work();
      } finally {
        ask({ op: "unlock" });
      }
    },
    list: (folder) => ask<{ names: string[] }>({ op: "list", path: folder }).names,
    status: (path) => ask<{ status?: FileStatus }>({ op: "status", path }).status,
    readLink: (path) => ask<{ target: string }>({ op: "readLink", path }).target,
    read: (path, longest) => ask<{ text: string }>({ op: "read", path, longest }).text,
    same: (path, other) => ask<{ same: boolean }>({ op: "same", path, other }).same,
    replace: (path, text, { mode, expected }) => void ask({ op: "replace", path, text, mode, expected }),
    copy: (from, to, mode) => void ask({ op: "copy", from, to, mode }),
    rename: (from, to) => void ask({ op: "rename", from, to }),
    remove: (path) => void ask({ op: "remove", path }),
    append: (path, text) => void ask({ op: "append", path, text }),
  };
}

function ask<T>(request: object): T {
  const { ok, error }: Answer<T> = JSON.parse(askService("files", JSON.stringify(request)));
  if (ok !== undefined) return ok;
  throw new FileError(error?.code ?? "", error?.message ?? "");
}

interface Answer<T> {
  readonly ok?: T;
  readonly error?: { readonly code: string; readonly message: string };
}
