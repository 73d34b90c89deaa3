; Hearth's Setup for Windows: for one user, without an administrator. release/nsis.py calls makensis with:
;   VERSION, VERSION_NUMBERS (four of them), SIZE_KB, ICON, FILES (what to unpack), OUTPUT; SIGN where a certificate is, QUICK for trials.
; Silently: Hearth-VERSION-setup.exe /S [/DESKTOP=1] [/D=FOLDER, last and without quotes]. What it did is in
; %TEMP%\hearth-setup.log. Exit codes: 0 done, 1 cancelled, 2 a newer Hearth is installed, 3 Hearth is running, 4 the folder
; belongs to something else, 5 this Windows is too old.
Unicode true
Target amd64-unicode
RequestExecutionLevel user
!ifdef QUICK
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
  SetCompressorDictSize 64
!endif
SetDateSave on
CRCCheck force
AllowSkipFiles off
ManifestDPIAware true

Name "Hearth"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\Hearth"
InstallDirRegKey HKCU "Software\Hearth" "InstallDir"
BrandingText "Hearth ${VERSION}"
VIProductVersion "${VERSION_NUMBERS}"
VIAddVersionKey ProductName "Hearth"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Hearth Setup"
VIAddVersionKey CompanyName "The Hearth contributors"
VIAddVersionKey LegalCopyright "MIT License"

!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh
!include WinVer.nsh
!include WordFunc.nsh
!include path.nsh

!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Hearth"
!define PROG_ID "Hearth.Model"
!define DATA_FOLDER "$LOCALAPPDATA\hearth"
!define OLDEST_BUILD 18362 ; Windows 10 1903, whose icuuc.dll Qt needs
!define ASSOCIATIONS_CHANGED 0x08000000

!ifdef SIGN
  !finalize '${SIGN} "%1"' = 0
  !uninstfinalize '${SIGN} "%1"' = 0
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_COMPONENTSPAGE_NODESC
!define MUI_FINISHPAGE_RUN "$INSTDIR\hearth-window.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Open Hearth"
!define MUI_UNCONFIRMPAGE_TEXT_TOP "Hearth will be removed. Your models, conversations and settings stay in ${DATA_FOLDER}; \
delete that folder yourself if you no longer want them."
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Says it to the person and the log; a silent Setup only ends with the code.
!macro Refuse CODE SENTENCE
  !insertmacro Log "${SENTENCE}"
  MessageBox MB_OK|MB_ICONSTOP "${SENTENCE}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

; Windows lets nobody write to a program that runs. Asks to close Hearth until it is, or refuses.
!macro RequireClosed ID
  check_${ID}:
  StrCpy $R0 ""
  !insertmacro NoteIfRunning "$INSTDIR\hearth.exe"
  !insertmacro NoteIfRunning "$INSTDIR\hearth-window.exe"
  ${If} $R0 != ""
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Hearth is running. Close it and try again." /SD IDCANCEL IDRETRY check_${ID}
    !insertmacro Log "Hearth is running. Close it and try again."
    SetErrorLevel 3
    Quit
  ${EndIf}
!macroend

!macro NoteIfRunning PROGRAM
  ${If} ${FileExists} "${PROGRAM}"
    ClearErrors
    FileOpen $R1 "${PROGRAM}" a
    ${If} ${Errors}
      StrCpy $R0 "${PROGRAM}"
    ${Else}
      FileClose $R1
    ${EndIf}
  ${EndIf}
!macroend

!macro RemoveProgram
  RMDir /r "$INSTDIR\_internal"
  RMDir /r "$INSTDIR\bin"
  Delete "$INSTDIR\hearth.exe"
  Delete "$INSTDIR\hearth-window.exe"
  Delete "$INSTDIR\uninstall.exe"
!macroend

Function .onInit
  !insertmacro OpenLog "Hearth ${VERSION} Setup"
  ${IfNot} ${AtLeastBuild} ${OLDEST_BUILD}
    !insertmacro Refuse 5 "Hearth needs Windows 10 version 1903 or newer. Update Windows and try again."
  ${EndIf}
  ReadRegStr $0 HKCU "${UNINSTALL_KEY}" "DisplayVersion"
  ${If} $0 != ""
    ${VersionCompare} "$0" "${VERSION}" $1
    ${If} $1 = 1
      !insertmacro Refuse 2 "Hearth $0 is installed, which is newer than ${VERSION}. Uninstall it first if you want the older one; your data stays."
    ${EndIf}
  ${EndIf}
FunctionEnd

Section "Hearth" SectionHearth
  SectionIn RO
  ${If} ${FileExists} "$INSTDIR\_internal\*.*"
  ${AndIfNot} ${FileExists} "$INSTDIR\hearth.exe"
    !insertmacro Refuse 4 "The folder $INSTDIR holds another program. Choose another folder."
  ${EndIf}
  !insertmacro RequireClosed install
  Call RemoveElsewhere
  !insertmacro RemoveProgram
  !insertmacro Log "Installing Hearth ${VERSION} into $INSTDIR."
  !include "${FILES}"
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortCut "$SMPROGRAMS\Hearth.lnk" "$INSTDIR\hearth-window.exe" "" "$INSTDIR\hearth-window.exe" 0
  Call Register
  Call Associate
  StrCpy $R9 "$INSTDIR\bin"
  Call AddToPath
  !insertmacro Log "Done."
SectionEnd

Section /o "Icon on the desktop" SectionDesktop
  SetOutPath "$INSTDIR"
  CreateShortCut "$DESKTOP\Hearth.lnk" "$INSTDIR\hearth-window.exe" "" "$INSTDIR\hearth-window.exe" 0
SectionEnd

; A Hearth in another folder gives way to this one, or Windows would know one of them only.
Function RemoveElsewhere
  ReadRegStr $0 HKCU "Software\Hearth" "InstallDir"
  ${If} $0 != ""
  ${AndIf} $0 != $INSTDIR
  ${AndIf} ${FileExists} "$0\uninstall.exe"
    !insertmacro Log "Removing the Hearth in $0."
    ExecWait '"$0\uninstall.exe" /S _?=$0' $1
    ${If} $1 = 3
      !insertmacro Refuse 3 "The Hearth in $0 is running. Close it and try again."
    ${EndIf}
    Delete "$0\uninstall.exe"
    RMDir "$0"
  ${EndIf}
FunctionEnd

Function Register
  WriteRegStr HKCU "Software\Hearth" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "Hearth"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\hearth-window.exe,0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "The Hearth contributors"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
FunctionEnd

; Offers Hearth for a kind of file; is the default only where there is none.
!macro AssociateEnding ENDING
  WriteRegStr HKCU "Software\Classes\${ENDING}\OpenWithProgids" "${PROG_ID}" ""
  ReadRegStr $0 HKCU "Software\Classes\${ENDING}" ""
  ReadRegStr $1 HKLM "Software\Classes\${ENDING}" ""
  ${If} "$0$1" == ""
    WriteRegStr HKCU "Software\Classes\${ENDING}" "" "${PROG_ID}"
  ${EndIf}
  WriteRegStr HKCU "Software\Classes\Applications\hearth-window.exe\SupportedTypes" "${ENDING}" ""
!macroend

Function Associate
  WriteRegStr HKCU "Software\Classes\${PROG_ID}" "" "AI model"
  WriteRegStr HKCU "Software\Classes\${PROG_ID}\DefaultIcon" "" "$INSTDIR\hearth-window.exe,0"
  WriteRegStr HKCU "Software\Classes\${PROG_ID}\shell\open" "FriendlyAppName" "Hearth"
  WriteRegStr HKCU "Software\Classes\${PROG_ID}\shell\open\command" "" '"$INSTDIR\hearth-window.exe" "%1"'
  WriteRegStr HKCU "Software\Classes\Applications\hearth-window.exe" "FriendlyAppName" "Hearth"
  WriteRegStr HKCU "Software\Classes\Applications\hearth-window.exe\shell\open\command" "" '"$INSTDIR\hearth-window.exe" "%1"'
  !insertmacro AssociateEnding ".gguf"
  !insertmacro AssociateEnding ".onnx"
  System::Call "shell32::SHChangeNotify(i ${ASSOCIATIONS_CHANGED}, i 0, p 0, p 0)"
FunctionEnd

!macro DissociateEnding ENDING
  DeleteRegValue HKCU "Software\Classes\${ENDING}\OpenWithProgids" "${PROG_ID}"
  DeleteRegKey /ifnosubkeys /ifnovalues HKCU "Software\Classes\${ENDING}\OpenWithProgids"
  ReadRegStr $0 HKCU "Software\Classes\${ENDING}" ""
  ${If} $0 == "${PROG_ID}"
    DeleteRegValue HKCU "Software\Classes\${ENDING}" ""
  ${EndIf}
  DeleteRegKey /ifnosubkeys /ifnovalues HKCU "Software\Classes\${ENDING}"
!macroend

Function un.onInit
  !insertmacro OpenLog "Hearth ${VERSION} uninstaller"
FunctionEnd

Section "Uninstall"
  !insertmacro RequireClosed uninstall
  !insertmacro Log "Removing Hearth from $INSTDIR. Models, conversations and settings stay in ${DATA_FOLDER}."
  DetailPrint "Models, conversations and settings stay in ${DATA_FOLDER}."
  !insertmacro RemoveProgram
  RMDir "$INSTDIR" ; only if nobody put anything else there, such as a folder with portable data
  Delete "$SMPROGRAMS\Hearth.lnk"
  Delete "$DESKTOP\Hearth.lnk"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "Software\Hearth"
  !insertmacro DissociateEnding ".gguf"
  !insertmacro DissociateEnding ".onnx"
  DeleteRegKey HKCU "Software\Classes\${PROG_ID}"
  DeleteRegKey HKCU "Software\Classes\Applications\hearth-window.exe"
  System::Call "shell32::SHChangeNotify(i ${ASSOCIATIONS_CHANGED}, i 0, p 0, p 0)"
  StrCpy $R9 "$INSTDIR\bin"
  Call un.RemoveFromPath
  !insertmacro Log "Done."
SectionEnd
