// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from "vitest";
import { PowerCut } from "./memory-files.ts";
import { BIN, LIST, NET, SINGLE, TestNode } from "./node.ts";

const KUBECONFIG = "ZZZ-linkerd-cni-kubeconfig";
const OURS = "sluice-cni";

/** Brings a node into a state from which something is done; gives what has to be there when all is taken out. */
interface Situation {
  readonly before: Readonly<Record<string, string>>;
  /** What has happened before the power may go. */
  readonly prepare?: (node: TestNode) => void;
  readonly act: (node: TestNode) => void;
  /** If others have changed something. */
  readonly after?: Readonly<Record<string, string>>;
  /** If it is not with an entry of ours that it works. */
  readonly types?: readonly string[];
}

const install = (node: TestNode) => node.installer().reconcile();
const installed = { prepare: install };

const situations: Readonly<Record<string, Situation>> = {
  "a list is installed into": { before: { "10-calico.conflist": LIST }, act: install },
  "one plugin is installed into": { before: { "10-x.conf": SINGLE }, act: install },
  "one plugin in a .json is installed into": { before: { "10-x.json": SINGLE }, act: install },
  "one of several is installed into": {
    before: { "10-x.conf": SINGLE, "10-y.json": SINGLE, "20-z.conflist": LIST },
    act: install,
  },
  "one of two that hold the same is installed into": {
    before: { "10-x.conf": SINGLE, "10-x.json": SINGLE },
    act: install,
  },
  "a list of the name that ours would have is there": {
    before: { "10-x.conf": SINGLE, "10-x.conflist": LIST },
    act: install,
  },
  "the entry is updated in a list": {
    before: { "10-calico.conflist": LIST },
    ...installed,
    act: (node) => node.installer({ type: OURS, more: true }).reconcile(),
  },
  "the entry is updated beside one plugin": {
    before: { "10-x.conf": SINGLE },
    ...installed,
    act: (node) => node.installer({ type: OURS, more: true }).reconcile(),
  },
  "the token is rotated": {
    before: { "10-calico.conflist": LIST },
    prepare: (node) => {
      install(node);
      node.files.put("/account/token", "new.token.x");
    },
    act: install,
  },
  "the executable is upgraded": {
    before: { "10-x.conf": SINGLE },
    prepare: (node) => {
      install(node);
      node.files.put("/plugin", "executable 2", 0o755);
    },
    act: install,
  },
  "the list is written anew": {
    before: { "10-calico.conflist": LIST },
    prepare: (node) => {
      install(node);
      node.files.put(`${NET}/10-calico.conflist`, LIST.replace("1440", "9000"), 0o600);
    },
    act: install,
    after: { "10-calico.conflist": LIST.replace("1440", "9000") },
  },
  "the one plugin is written anew": {
    before: { "10-x.conf": SINGLE },
    prepare: (node) => {
      install(node);
      node.files.put(`${NET}/10-x.conf`, SINGLE.replace("cni0", "cni1"));
    },
    act: install,
    after: { "10-x.conf": SINGLE.replace("cni0", "cni1") },
  },
  "another comes before the list": {
    before: { "10-calico.conflist": LIST },
    prepare: (node) => {
      install(node);
      node.files.put(`${NET}/05-x.conf`, SINGLE);
    },
    act: install,
    after: { "05-x.conf": SINGLE, "10-calico.conflist": LIST },
  },
  "a .conf comes before a .json of the same name": {
    before: { "10-x.json": SINGLE },
    prepare: (node) => {
      install(node);
      node.files.put(`${NET}/10-x.conf`, SINGLE.replace("mynet", "other"));
    },
    act: install,
    after: { "10-x.conf": SINGLE.replace("mynet", "other"), "10-x.json": SINGLE },
  },
  "another comes before the one plugin": {
    before: { "10-x.conf": SINGLE },
    prepare: (node) => {
      install(node);
      node.files.put(`${NET}/05-calico.conflist`, LIST);
    },
    act: install,
    after: { "05-calico.conflist": LIST, "10-x.conf": SINGLE },
  },
  "all is taken out of a list": {
    before: { "10-calico.conflist": LIST },
    ...installed,
    act: (node) => node.installer().remove(),
    types: ["calico", "portmap"],
  },
  "all is taken out beside one plugin": {
    before: { "10-x.conf": SINGLE },
    ...installed,
    act: (node) => node.installer().remove(),
    types: ["bridge"],
  },
  "all is taken out beside a .json": {
    before: { "10-x.json": SINGLE, "20-y.conflist": LIST },
    ...installed,
    act: (node) => node.installer().remove(),
    types: ["bridge"],
  },
};

/** A node whose folder is as others have made it, and that has no plugin. */
function pristine({ before, after = before }: Situation, node: TestNode): Record<string, unknown> {
  const expected = new TestNode(after);
  // Modes that others have given meanwhile stay, and so does what the executable has become.
  const snapshot = expected.files.snapshot();
  for (const path of ["/plugin", "/account/token"]) snapshot[path] = node.files.snapshot()[path];
  return snapshot;
}

function check(node: TestNode): void {
  const { types, broken } = node.runtime;
  expect(broken).toEqual([]);
  expect(types).toBeDefined();
  if (types?.includes(OURS) !== true) return;
  // An entry without what it needs would keep every pod from starting.
  expect([`${BIN}/${OURS}`, `${NET}/${KUBECONFIG}`].filter((path) => !node.has(path))).toEqual([]);
}

describe.each(Object.entries(situations))("when %s", (_, situation) => {
  const { before, prepare = () => {}, act, after = before, types } = situation;

  const start = (): TestNode => {
    const node = new TestNode(before);
    prepare(node);
    return node;
  };

  it("the active configuration is as it shall be", () => {
    const node = start();
    act(node);
    const first = Object.keys(after).sort()[0] ?? "";
    const others = first.endsWith(".conflist") ? ["calico", "portmap"] : ["bridge"];
    expect(node.runtime).toMatchObject({ types: types ?? [...others, OURS], broken: [] });
    const again = node.files.steps;
    act(node);
    expect(node.files.steps, "nothing is left to be done").toBe(again);
  });

  it("what others have written is there again in the end, byte for byte", () => {
    const node = start();
    act(node);
    node.installer().remove();
    const modes = Object.entries(node.files.snapshot()).filter(([path]) => path.startsWith(NET));
    const expected = pristine(situation, node);
    for (const [path] of modes) {
      // The situation in which another program has chosen another mode.
      if (path.endsWith("10-calico.conflist") && situation === situations["the list is written anew"]) {
        expected[path] = { ...(expected[path] as object), mode: 0o600 };
      }
    }
    expect(node.files.snapshot()).toEqual(expected);
  });

  it("the power may go before each step", () => {
    const whole = start();
    const already = whole.files.steps;
    act(whole);
    const steps = whole.files.steps - already;
    expect(steps).toBeGreaterThan(0);
    for (let left = 0; left < steps; left++) {
      const node = start();
      node.files.stepsLeft = left;
      expect(() => act(node), `after ${left} of ${steps} steps`).toThrow(PowerCut);
      node.files.stepsLeft = Number.POSITIVE_INFINITY;
      check(node);

      const outcome = node.installer().reconcile();
      expect(outcome.problem).toBeUndefined();
      check(node);
      expect(node.runtime.types).toContain(OURS);

      node.installer().remove();
      check(node);
      const texts = node.names.map((name) => [name, node.text(name)]);
      expect(Object.fromEntries(texts), `after ${left} of ${steps} steps`).toEqual(after);
      expect(node.files.list(BIN)).toEqual([]);
    }
  });
});

describe("the folder", () => {
  it("without a configuration is waited for, and nothing of its own is written there", () => {
    const node = new TestNode();
    expect(node.installer().reconcile()).toMatchObject({
      waiting: true,
      problem: "there is no CNI configuration yet",
    });
    expect(node.names).toEqual([KUBECONFIG]);
  });

  it("whose active configuration is deleted has the entry in the next one", () => {
    const node = new TestNode({ "10-x.conf": SINGLE, "20-calico.conflist": LIST });
    const installer = node.installer();
    installer.reconcile();
    node.files.held.delete(`${NET}/10-x.conflist`);
    expect(installer.reconcile()).toMatchObject({ active: "20-calico.conflist" });
    expect(node.names).toEqual(["20-calico.conflist", KUBECONFIG]);
    node.files.held.delete(`${NET}/20-calico.conflist`);
    expect(installer.reconcile()).toMatchObject({ waiting: true });
  });

  it("has an unusable file first: it is left alone, and said", () => {
    const node = new TestNode({ "00-broken.conf": "{", "01-empty.conflist": "", "10-calico.conflist": LIST });
    expect(node.installer().reconcile()).toMatchObject({
      problem: undefined,
      active: "10-calico.conflist",
      unusable: ["00-broken.conf is not JSON", "01-empty.conflist is not JSON"],
    });
    expect(node.text("00-broken.conf")).toBe("{");
  });

  it("has an unusable file first that was none before: nothing is done before it is looked at again", () => {
    const node = new TestNode({ "05-x.conf": "", "10-calico.conflist": LIST });
    expect(node.installer().reconcile([])).toMatchObject({ unusable: ["05-x.conf is not JSON"] });
    expect(node.text("10-calico.conflist")).toBe(LIST);
    node.installer().reconcile(["05-x.conf is not JSON"]);
    expect(node.text("10-calico.conflist")).toContain(OURS);
  });

  it("has a file first that this process cannot read: nothing is touched, because a runtime may", () => {
    const node = new TestNode({ "10-calico.conflist": LIST });
    node.files.put(`${NET}/00-latin.conflist`, { bytes: [0xe4] });
    node.files.put(`${NET}/05-huge.conf`, " ".repeat(2 << 20));
    const { problem, waiting } = node.installer().reconcile();
    expect({ problem, waiting }).toEqual({
      problem: `00-latin.conflist cannot read ${NET}/00-latin.conflist: it is not UTF-8`,
      waiting: false,
    });
    node.files.held.delete(`${NET}/00-latin.conflist`);
    expect(node.installer().reconcile().problem).toContain("it is too long");
    expect(node.text("10-calico.conflist")).toBe(LIST);
  });

  it("has such a file first when all is taken out: no entry is left without the executable", () => {
    const node = new TestNode({ "10-x.conf": SINGLE, "20-calico.conflist": LIST });
    node.installer().reconcile();
    node.files.put(`${NET}/00-latin.conflist`, { bytes: [0xe4] });
    node.installer().remove();
    expect(node.names).toEqual(["00-latin.conflist", "10-x.conf", "20-calico.conflist"]);
    expect(node.text("10-x.conf")).toBe(SINGLE);
    expect(node.files.list(BIN)).toEqual([]);
  });

  it("has symbolic links: what they lead to is written, on the node's own paths", () => {
    const node = new TestNode();
    node.files.put(`${NET}/10-calico.conflist`, { link: "/etc/cni/net.d/calico/second" });
    node.files.put(`${NET}/calico/second`, { link: "real" });
    node.files.put(`${NET}/calico/real`, LIST, 0o640);
    const before = node.files.snapshot();
    expect(node.installer().reconcile()).toMatchObject({ problem: undefined, active: "10-calico.conflist" });
    expect(node.files.held.get(`${NET}/calico/real`)).toMatchObject({ mode: 0o640 });
    expect(node.text("calico/real")).toContain(OURS);
    node.installer().remove();
    expect(node.files.snapshot()).toEqual(before);
  });

  it("has a symbolic link that leads elsewhere: that is said", () => {
    const node = new TestNode({ "10-x.conf": SINGLE });
    node.files.put(`${NET}/05-far.conflist`, { link: "/nix/store/far" });
    expect(node.installer().reconcile().problem).toBe(
      "05-far.conflist is a symbolic link to /host/nix/store/far, which cannot be seen from here",
    );
    node.files.put(`${NET}/05-far.conflist`, { link: "05-far.conflist" });
    expect(node.installer().reconcile().problem).toContain("leads to itself");
  });

  it("has the entry of Linkerd's own plugin: that stays", () => {
    const linkerd = LIST.replace("\n  ]", ',\n    {"type": "linkerd-cni"}\n  ]');
    const node = new TestNode({ "10-calico.conflist": linkerd });
    node.installer().reconcile();
    expect(node.runtime.types).toEqual(["calico", "portmap", "linkerd-cni", OURS]);
    node.installer().remove();
    expect(node.text("10-calico.conflist")).toBe(linkerd);
  });

  it("has an old entry of the same type: it is replaced where it stands", () => {
    const old = '{"name":"n","plugins":[{"type":"a"},{"type":"sluice-cni","old":1},{"type":"istio-cni"}]}';
    const node = new TestNode({ "10-x.conflist": old });
    node.installer({ type: OURS }).reconcile();
    expect(node.text("10-x.conflist")).toBe(old.replace(',"old":1', ""));
  });

  it("has our plugin alone somewhere: that is no network", () => {
    const node = new TestNode({ "00-x.conflist": '{"name":"n","plugins":[{"type":"sluice-cni"}]}' });
    expect(node.installer().reconcile().problem).toBe(
      "there is no CNI configuration that can be used: 00-x.conflist has no plugin but sluice-cni",
    );
  });

  it("has another plugin's entry in the list that stands for one plugin: both stay what others made of it", () => {
    const node = new TestNode({ "10-x.conf": SINGLE });
    node.installer().reconcile();
    const edited = node.text("10-x.conflist").replace(/\n {2}\]/, ',\n    {"type": "istio-cni"}\n  ]');
    node.files.put(`${NET}/10-x.conflist`, edited);
    node.installer().reconcile();
    expect(node.runtime.types).toEqual(["bridge", OURS, "istio-cni"]);
    node.installer().remove();
    expect(node.runtime.types).toEqual(["bridge", "istio-cni"]);
    expect(node.names).toEqual(["10-x.conflist"]);
  });
});

it("is taken out also when a file comes first that this process cannot read", () => {
  const node = new TestNode({ "10-calico.conflist": LIST, "20-x.conf": SINGLE });
  node.installer().reconcile();
  node.files.put(`${NET}/05-far.conflist`, { link: "/nix/store/far" });
  node.installer().remove();
  expect(node.names).toEqual(["05-far.conflist", "10-calico.conflist", "20-x.conf"]);
  expect(node.text("10-calico.conflist")).toBe(LIST);
});

describe("what is wrong", () => {
  it("with the service account is said, and no entry is there without a kubeconfig", () => {
    const node = new TestNode({ "10-calico.conflist": LIST });
    node.files.held.delete("/account/token");
    expect(node.installer().reconcile()).toMatchObject({
      problem: "cannot read /account/token: No such file or directory",
      waiting: false,
    });
    expect(node.text("10-calico.conflist")).toBe(LIST);
    node.files.put("/account/token", "\n");
    expect(node.installer().reconcile().problem).toBe("/account/token is empty");
    node.files.put("/account/token", "t");
    node.files.put("/account/ca.crt", "no certificate");
    expect(node.installer().reconcile().problem).toBe("/account/ca.crt holds no certificate in PEM");
  });

  it("with the executable is said", () => {
    const node = new TestNode({ "10-calico.conflist": LIST });
    node.files.held.delete("/plugin");
    expect(node.installer().reconcile().problem).toBe("/plugin: No such file or directory");
  });
});

it("taking out twice, or what never was there, is no error", () => {
  const node = new TestNode({ "10-x.conf": SINGLE });
  expect(node.installer().remove()).toEqual([]);
  node.installer().reconcile();
  expect(node.installer().remove()).not.toEqual([]);
  expect(node.installer().remove()).toEqual([]);
});
