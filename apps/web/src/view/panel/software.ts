// What a member says that it runs, as a sentence: pure, so that it can be tested that it stays the member's word.
import type { Snapshot } from "../../api.ts";
import { desktopSite } from "../../loader.ts";
import { strings } from "../strings.ts";

type Member = Pick<Snapshot["members"][number], "me" | "software">;

const all = strings.software;
/** Letters of a build that are shown: enough to tell two apart by eye. */
const short = 8;

export const differs = ({ software }: Member): boolean => software?.agreement === "differs";
export const isUnlogged = ({ software }: Member): boolean => software?.logged.kind === "notNamed";

export const runs = ({ me, software }: Member): string => {
  if (!software) return all.none;
  const { program, version, build, logged } = software;
  const what = program.kind === "native" ? all.native(version) : program.site === desktopSite ? all.desktop(version) : all.page(program.site, version);
  const found = [
    ...(software.agreement === "differs" ? [all.differs((build ?? "").slice(0, short))] : []),
    ...(logged.kind === "named" ? [all.named(logged.version)] : logged.kind === "notNamed" ? [all.notNamed] : []),
  ];
  return [all.says(what, me), ...found].join("; ");
};
