import { Copy } from "lucide";
import { FullPage } from "./parts/FullPage.tsx";
import { strings } from "./strings.ts";

/** Another tab of this browser is inside: here one would be a second person, whom the others hear twice. */
export const Elsewhere = (props: { onMove: () => void; onHome: () => void }) => (
  <FullPage icon={Copy} tone="calm" title={strings.elsewhere.title} text={strings.elsewhere.text}>
    <div class="actions">
      <button type="button" class="primary" onClick={() => props.onMove()}>
        {strings.elsewhere.move}
      </button>
      <button type="button" class="quiet" onClick={() => props.onHome()}>
        {strings.elsewhere.stay}
      </button>
    </div>
  </FullPage>
);
