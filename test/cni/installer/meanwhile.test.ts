// SPDX-License-Identifier: GPL-2.0-or-later

// What others do to the folder between two of the installer's steps.

import { describe, expect, it } from "vitest";
import { LIST, NET, SINGLE, TestNode } from "./node.ts";

const OURS = "sluice-cni";

describe("what another program does at the same moment is not lost", () => {
  const newer = SINGLE.replace("cni0", "cni1");
  const isWritten = (name: string) => (node: TestNode) =>
    node.names.some((each) => each.startsWith(`${name}.sluice-new-`));

  /** Does something once, as soon as it is so. */
  const once = (node: TestNode, when: (node: TestNode) => boolean, what: () => void): void => {
    let done = false;
    node.files.meanwhile = () => {
      if (done || !when(node)) return;
      done = true;
      what();
    };
  };

  it("it writes the list anew while the entry is put in", () => {
    const node = new TestNode({ "10-calico.conflist": LIST });
    once(node, isWritten("10-calico.conflist"), () => {
      node.files.put(`${NET}/10-calico.conflist`, LIST.replace("1440", "9000"));
    });
    expect(node.installer().reconcile().problem).toBeUndefined();
    expect(node.text("10-calico.conflist")).toContain("9000");
    expect(node.runtime.types).toEqual(["calico", "portmap", OURS]);
  });

  it("it writes the list anew while another comes first, which gets the entry instead", () => {
    const node = new TestNode({ "10-calico.conflist": LIST });
    node.installer().reconcile();
    node.files.put(`${NET}/05-first.conflist`, LIST);
    once(node, isWritten("05-first.conflist"), () => {
      node.files.put(`${NET}/10-calico.conflist`, node.text("10-calico.conflist").replace("1440", "9000"));
    });
    node.installer().reconcile();
    expect(node.text("10-calico.conflist")).toBe(LIST.replace("1440", "9000"));
  });

  it("it writes the one plugin anew while the list beside that is made", () => {
    const node = new TestNode({ "10-x.conf": SINGLE });
    once(node, isWritten("10-x.conflist"), () => node.files.put(`${NET}/10-x.conf`, newer));
    for (let i = 0; i < 3; i++) expect(node.installer().reconcile().problem).toBeUndefined();
    expect(node.text(node.runtime.active ?? "")).toContain("cni1");
    expect(node.runtime.types).toEqual(["bridge", OURS]);
    node.installer().remove();
    expect(node.names).toEqual(["10-x.conf"]);
    expect(node.text("10-x.conf")).toBe(newer);
  });

  it.each(["10-x.conf", "10-x.json"])("it writes %s anew again and again while lists are made", (name) => {
    for (let skipped = 0; skipped < 8; skipped++) {
      const node = new TestNode({ [name]: SINGLE });
      let version = 0;
      let steps = 0;
      node.files.meanwhile = () => {
        if (++steps <= skipped || version === 4) return;
        version++;
        node.files.put(`${NET}/${name}`, SINGLE.replace("cni0", `cni${version}`));
      };
      for (let i = 0; i < 3; i++) expect(node.installer().reconcile().problem).toBeUndefined();
      node.files.meanwhile = () => {};
      expect(node.text(node.runtime.active ?? "")).toContain(`cni${version}`);
      expect(node.names).toHaveLength(3);
      node.installer().remove();
      expect(node.names).toEqual([name]);
      expect(node.text(name)).toBe(SINGLE.replace("cni0", `cni${version}`));
    }
  });

  it("it is another installer, which keeps the original while this one takes everything out", () => {
    const node = new TestNode({ "10-x.conf": SINGLE });
    node.installer().reconcile();
    // Something to write for this one; the other is about to rename the original.
    node.files.put(`${NET}/10-x.conf`, SINGLE);
    node.files.put(`${NET}/05-y.conflist`, node.text("10-x.conflist").replace("mynet", "own"));
    once(node, isWritten("05-y.conflist"), () => {
      node.files.rename(`${NET}/10-x.conf`, `${NET}/10-x.conf.sluice-saved`);
    });
    node.installer().remove();
    expect(node.names).toEqual(["05-y.conflist", "10-x.conf"]);
    expect(node.text("10-x.conf")).toBe(SINGLE);
  });

  it("it writes the one plugin anew while another comes first", () => {
    const node = new TestNode({ "10-x.conf": SINGLE });
    node.installer().reconcile();
    node.files.put(`${NET}/05-calico.conflist`, LIST);
    once(node, isWritten("05-calico.conflist"), () => node.files.put(`${NET}/10-x.conf`, newer));
    node.installer().reconcile();
    node.installer().remove();
    expect(node.names).toEqual(["05-calico.conflist", "10-x.conf"]);
    expect(node.text("10-x.conf")).toBe(newer);
  });

  it("it makes a list of its own of the name of ours while another comes first", () => {
    const node = new TestNode({ "10-x.conf": SINGLE });
    node.installer().reconcile();
    node.files.put(`${NET}/05-calico.conflist`, LIST);
    once(node, isWritten("05-calico.conflist"), () => node.files.put(`${NET}/10-x.conflist`, LIST));
    node.installer().reconcile();
    node.installer().remove();
    expect(node.text("10-x.conflist")).toBe(LIST);
  });
});
