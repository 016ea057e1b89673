import { hue, initials } from "../format.ts";

/** Initials on a colour that stays with the person. */
export const Avatar = (props: { identity: string; name: string }) => (
  <span class="avatar" style={{ "--hue": String(hue(props.identity)) }} aria-hidden="true">
    {initials(props.name)}
  </span>
);
