import { createSignal, Show } from "solid-js";
import { Check, Mail, QrCode, Share2 } from "lucide";
import type { Announce } from "../parts/Announcer.tsx";
import { Icon } from "../parts/Icon.tsx";
import { LinkBox } from "../parts/LinkBox.tsx";
import { QrPicture } from "../parts/QrPicture.tsx";
import { copy, matches } from "../state.ts";
import { strings } from "../strings.ts";

interface Props {
  link: string;
  title: string;
  announce: Announce;
  first?: boolean;
}

/** The ways to give the link to somebody: by hand, as an invitation, to another app, and to who sits beside. */
export const Invite = (props: Props) => {
  const [copied, setCopied] = createSignal(false);
  const [code, setCode] = createSignal(false);
  const touch = matches("(pointer: coarse)");
  const title = () => props.title || strings.home.untitled;
  const invitation = async () => {
    const done = await copy(strings.invite.invitation(title(), props.link));
    setCopied(done);
    if (done) props.announce.aloud(strings.invite.invitationCopied);
    else props.announce.toast({ text: strings.invite.invitationNotCopied, loud: false, silent: false, security: false });
  };
  return (
    <>
      <LinkBox link={props.link} announce={props.announce} {...(props.first ? { first: true } : {})} />
      <div class="ways">
        <Show when={touch() && "share" in navigator}>
          <button type="button" class="quiet" onClick={() => void navigator.share({ title: title(), url: props.link }).catch(() => undefined)}>
            <Icon of={Share2} />
            {strings.invite.share}
          </button>
        </Show>
        <button type="button" class="quiet" onClick={() => void invitation()}>
          <Icon of={copied() ? Check : Mail} />
          {strings.invite.copyInvitation}
        </button>
        <button type="button" class="quiet" aria-expanded={code()} onClick={() => setCode(!code())}>
          <Icon of={QrCode} />
          {strings.invite.code}
        </button>
      </div>
      <Show when={code()}>
        <QrPicture text={props.link} label={strings.invite.codeOf} />
      </Show>
    </>
  );
};
