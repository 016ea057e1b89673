import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../api.ts";
import { differs, isUnlogged, runs } from "./software.ts";

type Software = NonNullable<Snapshot["members"][number]["software"]>;

const said = (more: Partial<Software> = {}): Software => ({
  program: { kind: "page", site: "meet.example.org" },
  version: "1.4.0",
  build: "0123456789abcdef".repeat(4),
  agreement: "same",
  logged: { kind: "unknown" },
  ...more,
});

describe("what a member runs", () => {
  it("is told as that member's word, and one's own as what it is", () => {
    expect(runs({ me: false, software: said() })).toBe("says they run the page of meet.example.org, 1.4.0");
    expect(runs({ me: false, software: said({ program: { kind: "native" } }) })).toBe("says they run the native program 1.4.0");
    expect(runs({ me: false, software: said({ program: { kind: "page", site: "[desktop]" } }) })).toBe("says they run the desktop program 1.4.0");
    expect(runs({ me: true, software: said() })).toBe("You run the page of meet.example.org, 1.4.0");
    expect(runs({ me: false, software: undefined })).toBe("does not say what they run");
  });

  it("is told without a host where the member said none that could be one", () => {
    expect(runs({ me: false, software: said({ program: { kind: "page", site: "" } }) })).toBe("says they run the page 1.4.0");
  });

  it("is told apart from what others run, with enough of its hash to see which", () => {
    const other = { me: false, software: said({ agreement: "differs" }) };
    expect(differs(other)).toBe(true);
    expect(runs(other)).toBe("says they run the page of meet.example.org, 1.4.0; another build than others here: 01234567");
    for (const agreement of ["same", "alone", "unknown"] as const) expect(differs({ me: false, software: said({ agreement }) })).toBe(false);
  });

  it("is told as logged or not only where a log was asked", () => {
    expect(runs({ me: false, software: said({ logged: { kind: "named", version: "1.4.0" } }) })).toContain("; release 1.4.0 in the log");
    const unlogged = { me: false, software: said({ logged: { kind: "notNamed" } }) };
    expect(isUnlogged(unlogged)).toBe(true);
    expect(runs(unlogged)).toContain("; in no log of releases");
    expect(isUnlogged({ me: false, software: said() })).toBe(false);
    expect(runs({ me: false, software: said() })).not.toContain("log");
  });
});
