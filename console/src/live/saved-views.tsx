// The saved views of the live wall: choose, save, change, rename, share and delete them.
import type { TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { allItems, api, result, type Schemas } from "../api/client.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { useConsole } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Select } from "../shell/select.tsx";
import { useAction } from "../shell/use-action.ts";
import type { List } from "../shell/use-list.ts";
import type { Texts } from "../texts/en.ts";
import { isSameWall, listedWith, wallOfView } from "./saved-view.ts";
import type { Wall } from "./wall.ts";

export type SavedView = Schemas["SavedView"];

interface SavedViewsProps {
  views: List<SavedView>;
  /** The view that the address names, if it exists. */
  chosen: SavedView | undefined;
  wall: Wall;
  /** Show a view, or with an empty id the present tiles without one. */
  onOpen: (id: string) => void;
  onSaved: (view: SavedView) => void;
}

export function SavedViews({ views, chosen, wall, onOpen, onSaved }: SavedViewsProps) {
  const { texts, session } = useConsole();
  const { savedViews } = texts;
  const { notice, isBusy, run } = useAction();
  const [dialog, setDialog] = useState<"save" | "edit" | "delete" | null>(null);
  const close = () => setDialog(null);
  const done = (saved: SavedView) => {
    close();
    views.reload();
    onSaved(saved);
  };
  const isChanged = chosen !== undefined && !isSameWall(wallOfView(chosen), wall);
  const isOverwritable = chosen?.may_change === true && chosen.hidden_camera_count === 0;
  const overwrite = async (view: SavedView) => {
    done(await changeView(view, { tiles: wall.size, cameras: [...wall.cameras] }, views.reload));
  };
  return (
    <div class="saved-views">
      <Select
        label={savedViews.title}
        value={chosen?.id ?? ""}
        options={[
          ["", savedViews.none],
          ...listedWith(views.items ?? [], chosen).map((one): [string, string] => [
            one.id,
            titleOf(one, session.name, texts),
          ]),
        ]}
        onChange={onOpen}
      />
      <div class="row">
        {wall.cameras.some(Boolean) && (
          <button type="button" onClick={() => setDialog("save")}>
            {savedViews.save}
          </button>
        )}
        {isOverwritable && isChanged && wall.cameras.some(Boolean) && (
          <button type="button" disabled={isBusy} onClick={() => void run(() => overwrite(chosen))}>
            {savedViews.saveChanges}
          </button>
        )}
        {chosen?.may_change && (
          <>
            <button type="button" onClick={() => setDialog("edit")}>
              {savedViews.edit}
            </button>
            <button type="button" onClick={() => setDialog("delete")}>
              {savedViews.delete}
            </button>
          </>
        )}
      </div>
      {notice && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
      {chosen !== undefined && chosen.hidden_camera_count > 0 && (
        <p class="hint" role="status">
          {savedViews.hidden(chosen.hidden_camera_count)}
        </p>
      )}
      {dialog === "save" && (
        <ViewDialog
          title={savedViews.save}
          onSubmit={async (form) => done(await addView(form, wall))}
          onClose={close}
        />
      )}
      {dialog === "edit" && chosen && (
        <ViewDialog
          title={savedViews.edit}
          view={chosen}
          onSubmit={async (form) => done(await changeView(chosen, form, views.reload))}
          onClose={close}
        />
      )}
      {dialog === "delete" && chosen && (
        <ConfirmDialog
          title={savedViews.deleteTitle(chosen.name)}
          explanation={savedViews.deleteExplanation}
          action={savedViews.delete}
          needsReason={false}
          onConfirm={async () => {
            const request = { params: { path: { id: chosen.id } }, headers: ifSame(chosen) };
            await reloadingOnFailure(views.reload, () =>
              result(api.DELETE("/v1/saved-views/{id}", request)),
            );
            close();
            views.reload();
            onOpen("");
          }}
          onClose={close}
        />
      )}
    </div>
  );
}

interface ViewForm {
  name: string;
  is_shared: boolean;
}

interface ViewDialogProps {
  title: string;
  view?: SavedView;
  onSubmit: (form: ViewForm) => Promise<void>;
  onClose: () => void;
}

function ViewDialog({ title, view, onSubmit, onClose }: ViewDialogProps) {
  const { texts } = useConsole();
  const { savedViews } = texts;
  const { notice, isBusy, run } = useAction();
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get("name") ?? "").trim();
    void run(() => onSubmit({ name, is_shared: form.has("is_shared") }));
  };
  return (
    <Dialog class="confirm" title={title} closeLabel={texts.reason.cancel} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {notice && (
          <p class="notice" role="alert">
            {notice}
          </p>
        )}
        <label class="field">
          <span>{savedViews.name}</span>
          <input
            name="name"
            defaultValue={view?.name ?? ""}
            maxLength={100}
            autocomplete="off"
            required
          />
        </label>
        <label class="check">
          <input type="checkbox" name="is_shared" defaultChecked={view?.is_shared ?? false} />
          <span>{savedViews.isShared}</span>
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {savedViews.submit}
        </button>
      </form>
    </Dialog>
  );
}

function titleOf(view: SavedView, person: string, { savedViews }: Texts): string {
  if (!view.is_shared) return view.name;
  return view.made_by === person
    ? savedViews.shared(view.name)
    : savedViews.sharedBy(view.name, view.made_by);
}

/** Return a header with which the API changes exactly this version. */
function ifSame({ version }: SavedView): Record<string, string> {
  return { "If-Match": `"${version}"` };
}

async function addView(form: ViewForm, wall: Wall): Promise<SavedView> {
  const body = { ...form, tiles: wall.size, cameras: [...wall.cameras] };
  return await result(api.POST("/v1/saved-views", { body }));
}

type ViewChange = Partial<ViewForm> & { tiles?: Wall["size"]; cameras?: string[] };

async function changeView(
  view: SavedView,
  body: ViewChange,
  reload: () => void,
): Promise<SavedView> {
  const request = { params: { path: { id: view.id } }, headers: ifSame(view), body };
  return await reloadingOnFailure(reload, () => result(api.PATCH("/v1/saved-views/{id}", request)));
}

/** Read the views again if a change fails: another person may have changed or deleted the view. */
async function reloadingOnFailure<Value>(
  reload: () => void,
  change: () => Promise<Value>,
): Promise<Value> {
  try {
    return await change();
  } catch (error) {
    reload();
    throw error;
  }
}

export function readSavedViews(): Promise<SavedView[]> {
  return allItems((next) => {
    const query = next === undefined ? {} : { next };
    return result(api.GET("/v1/saved-views", { params: { query } }));
  });
}
