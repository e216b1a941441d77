"""The exceptions that plugins raise and catch."""
import re
import traceback
from collections.abc import Sequence


def _text(v):
    if isinstance(v, bytes):
        return v.decode('utf-8', 'surrogateescape')
    return str(v)


class AnsibleError(Exception):
    """Base of all. The text of a cause is added to the message."""

    def __init__(self, message='', obj=None, show_content=True, suppress_extended_error=False, orig_exc=None):
        super().__init__(message)
        self._show_content = show_content
        self._suppress_extended_error = suppress_extended_error
        self._message = _text(message)
        self.obj = obj
        self.orig_exc = orig_exc

    @property
    def message(self):
        parts = [self._message]
        if self.orig_exc:
            parts.append(_text(self.orig_exc))
        return '. '.join(parts) if self.orig_exc else self._message

    @message.setter
    def message(self, v):
        self._message = v

    def __str__(self):
        return self.message

    def __repr__(self):
        return self.message


class AnsiblePromptInterrupt(AnsibleError):
    """The user interrupted a prompt."""


class AnsiblePromptNoninteractive(AnsibleError):
    """Nobody is there to answer a prompt."""


class AnsibleAssertionError(AnsibleError, AssertionError):
    """Something that must hold does not."""


class AnsibleOptionsError(AnsibleError):
    """A bad or incomplete option."""


class AnsibleRequiredOptionError(AnsibleOptionsError):
    """A required option is missing."""


class AnsibleParserError(AnsibleError):
    """Something cannot be parsed."""


class AnsibleInternalError(AnsibleError):
    """Something went wrong inside."""


class AnsibleRuntimeError(AnsibleError):
    """An error while something runs."""


class AnsibleModuleError(AnsibleRuntimeError):
    """A module failed."""


class AnsibleConnectionFailure(AnsibleRuntimeError):
    """The transport failed, or is not connected."""


class AnsibleAuthenticationFailure(AnsibleConnectionFailure):
    """Wrong user name or password."""


class AnsibleCallbackError(AnsibleRuntimeError):
    """A callback failed."""


class AnsibleTemplateError(AnsibleRuntimeError):
    """A template cannot be rendered."""


class AnsibleFilterError(AnsibleTemplateError):
    """A filter failed."""


class AnsibleLookupError(AnsibleTemplateError):
    """A lookup failed."""


class AnsibleUndefinedVariable(AnsibleTemplateError):
    """Something undefined was used."""


class AnsibleFileNotFound(AnsibleRuntimeError):
    """A file is not on the controller."""

    def __init__(self, message='', obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, paths=None, file_name=None):
        self.file_name = file_name
        self.paths = paths
        if message:
            message += '\n'
        message += "Could not find or access '%s'" % file_name if file_name else 'Could not find file'
        if paths and isinstance(paths, Sequence):
            searched = paths if isinstance(paths, str) else '\n\t'.join(str(p) for p in paths)
            message += '\nSearched in:\n\t%s' % searched
        message += ' on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option'
        super().__init__(message, obj=obj, show_content=show_content, suppress_extended_error=suppress_extended_error, orig_exc=orig_exc)


class AnsibleAction(AnsibleRuntimeError):
    """Base of what ends an action; carries a result."""

    def __init__(self, message='', obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, result=None):
        super().__init__(message, obj=obj, show_content=show_content, suppress_extended_error=suppress_extended_error, orig_exc=orig_exc)
        self.result = {} if result is None else result


class AnsibleActionSkip(AnsibleAction):
    """The action is skipped."""

    def __init__(self, message='', obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, result=None):
        super().__init__(message, obj, show_content, suppress_extended_error, orig_exc, result)
        self.result.update({'skipped': True, 'msg': message})


class AnsibleActionFail(AnsibleAction):
    """The action failed."""

    def __init__(self, message='', obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, result=None):
        super().__init__(message, obj, show_content, suppress_extended_error, orig_exc, result)
        self.result.update({'failed': True, 'msg': message, 'exception': traceback.format_exc()})


class _AnsibleActionDone(AnsibleAction):
    """The action is done early."""


class AnsiblePluginError(AnsibleError):
    """A plugin cannot be loaded."""

    def __init__(self, message=None, plugin_load_context=None):
        super().__init__(message or '')
        self.plugin_load_context = plugin_load_context


class AnsiblePluginRemovedError(AnsiblePluginError):
    """The plugin was removed."""


class AnsiblePluginCircularRedirect(AnsiblePluginError):
    """Redirects go in a circle."""


class AnsibleCollectionUnsupportedVersionError(AnsiblePluginError):
    """The collection wants another version of ansible-core."""


class AnsibleFilterTypeError(AnsibleTemplateError, TypeError):
    """A filter got a value of a wrong type."""


class AnsiblePluginNotFound(AnsiblePluginError):
    """There is no such plugin."""


def __getattr__(name):
    if re.match(r'^Ansible\w+Error$', name):
        cls = type(name, (AnsibleError,), {'__module__': __name__})
        globals()[name] = cls
        return cls
    raise AttributeError("module 'ansible.errors' has no attribute %r" % name)
