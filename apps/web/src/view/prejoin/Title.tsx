import { createEffect, createSignal, on, Show } from "solid-js";
import { Pencil } from "lucide";
import { constants } from "../../constants.ts";
import { Control } from "../parts/Control.tsx";
import { strings } from "../strings.ts";

/** The meeting's title; its host changes it by a press. `onTitle` shows it at once; if it was not kept, the old one comes back. */
export const Title = (props: { title: string; unnamed: string; host: boolean; onTitle: (title: string) => void }) => {
  const [draft, setDraft] = createSignal<string | null>(null);
  const [lost, setLost] = createSignal(false);
  let asked: string | null = null;
  let pencil: HTMLButtonElement | undefined;
  createEffect(
    on(
      () => props.title,
      (now, before) => {
        setLost(asked !== null && before === asked && now !== asked);
        if (now !== asked) asked = null;
      },
    ),
  );

  const close = () => {
    setDraft(null);
    pencil?.focus();
  };
  const save = () => {
    const typed = draft()?.trim();
    if (typed === undefined) return;
    if (typed !== props.title) {
      asked = typed;
      props.onTitle(typed);
    }
    close();
  };
  const editing = () => draft() !== null;
  return (
    <>
      <div class="title-line">
        <h1 id="meeting-title" classList={{ aloud: editing() }} dir="auto">
          {props.title || props.unnamed}
        </h1>
        <Show when={props.host && !editing()}>
          <Control icon={Pencil} name={props.title === "" ? strings.prejoin.giveTitle : strings.prejoin.changeTitle} tip="above-left" ref={(button) => (pencil = button)} onPress={() => setDraft(props.title)} />
        </Show>
      </div>
      <Show when={editing()}>
        <form
          class="title-edit"
          onSubmit={(event) => (event.preventDefault(), save())}
          onKeyDown={(event) => event.key === "Escape" && close()}
          onFocusOut={(event) => !(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget)) && save()}
        >
          <div class="field grow">
            <input
              aria-label={strings.prejoin.title}
              ref={(input) => queueMicrotask(() => input.select())}
              maxlength={constants.titleChars}
              autocomplete="off"
              dir="auto"
              value={draft() ?? ""}
              onInput={(event) => setDraft(event.currentTarget.value)}
            />
          </div>
          <button type="submit" class="quiet">
            {strings.prejoin.saveTitle}
          </button>
          <p class="small muted" role="status">
            {(draft()?.length ?? 0) >= constants.titleChars ? strings.prejoin.titleFull : ""}
          </p>
        </form>
      </Show>
      <Show when={lost() && !editing()}>
        <p class="wrongly" role="alert">
          {strings.prejoin.titleLost}
        </p>
      </Show>
    </>
  );
};
