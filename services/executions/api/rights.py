"""What the routes need, as dependencies: the caller's access to cycles, plans, executions."""

from typing import Annotated

from fastapi import Depends

from contracts.permissions import Entity, Right
from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.directory.permissions import Need
from kit.http.security import AccessTo, access_to
from services.executions.domain.links import Holder
from services.executions.usecases.links import RIGHTS

_EXECUTE = (Entity.TEST_EXECUTION, Right.EXECUTE)

CycleReader = Annotated[Access, Depends(access_to(Entity.TEST_CYCLE, Right.VIEW))]
CycleCreator = Annotated[Access, Depends(access_to(Entity.TEST_CYCLE, Right.CREATE))]
CycleEditor = Annotated[Access, Depends(access_to(*RIGHTS[Holder.TEST_CYCLE]))]
ExecutionReader = Annotated[Access, Depends(access_to(Entity.TEST_EXECUTION, Right.VIEW))]
ResultRecorder = Annotated[Access, Depends(access_to(*RIGHTS[Holder.TEST_EXECUTION]))]
PlanReader = Annotated[Access, Depends(access_to(Entity.TEST_PLAN, Right.VIEW))]
PlanCreator = Annotated[Access, Depends(access_to(Entity.TEST_PLAN, Right.CREATE))]
PlanEditor = Annotated[Access, Depends(access_to(*RIGHTS[Holder.TEST_PLAN]))]
PlanFiller = Annotated[
    Access,
    Depends(
        AccessTo(Need.of(RIGHTS[Holder.TEST_PLAN], (Entity.TEST_CYCLE, Right.VIEW)), Scope.WRITE)
    ),
]
"""Puts cycles into a plan: the answer tells which cycles there are, so they must be in view."""
CycleDeleter = Annotated[Access, Depends(access_to(Entity.TEST_CYCLE, Right.DELETE))]
PlanDeleter = Annotated[Access, Depends(access_to(Entity.TEST_PLAN, Right.DELETE))]
ExecutionDeleter = Annotated[Access, Depends(access_to(Entity.TEST_EXECUTION, Right.DELETE))]
ExecutionEditor = Annotated[Access, Depends(access_to(Entity.TEST_EXECUTION, Right.EDIT))]
"""Archives executions; what they say is changed by who may execute."""
LinkRemover = Annotated[Access, Depends(AccessTo(Need.any_of(*RIGHTS.values()), Scope.WRITE))]
"""One of them at least; the id of the link says which, and the use case asks for that one."""
Uploader = Annotated[
    Access,
    Depends(
        AccessTo(Need.of(_EXECUTE, (Entity.TEST_CYCLE, Right.CREATE)), Scope.WRITE, Scope.RESULTS)
    ),
]
"""Records results in a new cycle; to create cases, too, is asked where it is wanted."""
Watcher = Annotated[
    Access,
    Depends(
        AccessTo(
            Need.any_of((Entity.TEST_EXECUTION, Right.VIEW), _EXECUTE), Scope.READ, Scope.RESULTS
        )
    ),
]
"""Sees how an upload fares: who may record results, or see them."""
