import type { Conclave } from "../../api.ts";
import { FullPage } from "../parts/FullPage.tsx";
import type { IconNode } from "../parts/Icon.tsx";
import { Paste } from "./Paste.tsx";

interface Props {
  icon: IconNode;
  title: string;
  text: string;
  home: string;
  conclave: Conclave;
  onOpen: (fragment: string) => void;
  onHome: () => void;
}

/** An address that is no page, or no link any more: what happened, and the two ways on. */
export const Lost = (props: Props) => (
  <FullPage icon={props.icon} tone="calm" title={props.title} text={props.text}>
    <Paste conclave={props.conclave} onOpen={props.onOpen} />
    <div class="actions">
      <button type="button" class="quiet" onClick={() => props.onHome()}>
        {props.home}
      </button>
    </div>
  </FullPage>
);
