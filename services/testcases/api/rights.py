"""What the routes need, as dependencies: the caller's access to the library and its options."""

from typing import Annotated

from fastapi import Depends

from contracts.permissions import Entity, Right
from kit.directory.access import Access
from kit.http.security import access_to

CaseReader = Annotated[Access, Depends(access_to(Entity.TEST_CASE, Right.VIEW))]
CaseCreator = Annotated[Access, Depends(access_to(Entity.TEST_CASE, Right.CREATE))]
CaseEditor = Annotated[Access, Depends(access_to(Entity.TEST_CASE, Right.EDIT))]
CaseDeleter = Annotated[Access, Depends(access_to(Entity.TEST_CASE, Right.DELETE))]
OptionReader = Annotated[Access, Depends(access_to(Entity.CONFIGURATION, Right.VIEW))]
OptionCreator = Annotated[Access, Depends(access_to(Entity.CONFIGURATION, Right.CREATE))]
OptionEditor = Annotated[Access, Depends(access_to(Entity.CONFIGURATION, Right.EDIT))]
OptionDeleter = Annotated[Access, Depends(access_to(Entity.CONFIGURATION, Right.DELETE))]
